import { contextOf } from "./context.ts";
import type { TestFunction } from "./functions.ts";

/** An answer in payload format 2.0. */
export interface Result {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** What a function answers to an HTTP event, with its body read. */
export async function answerOf(fn: TestFunction, event: unknown, remainingMs = 30_000) {
  const answer = (await fn.invoke(event, contextOf({ remainingMs }))) as Result;
  return { ...answer, json: JSON.parse(answer.body) };
}
