import { statusOf } from "../../../core/errors.ts";
import type { WireAnswer } from "../suite.ts";
import type { FaultKind, Injection } from "./injections.ts";

/**
 * What is wrong with an answer: a fault that passes must not be noticed when it passes at once; otherwise the answer is
 * as without it, or a typed error that says truly whether the same call may succeed later.
 */
export function expectedAnswer(
  { status, text, body }: WireAnswer,
  injection: Injection,
  { passing, codes, noticed = false }: FaultKind<unknown>,
  wanted: { readonly status: number; readonly code: unknown },
): string[] {
  if (status === wanted.status && body.code === wanted.code) return [];
  const problems: string[] = [];
  const { code, retryable, message, requestId, httpStatusCode, hint } = body;
  if (typeof code !== "string" || !(code in statusOf) || code === "INTERNAL_ERROR") problems.push("is not typed");
  else if (codes && !codes(injection.call).includes(code)) problems.push(`should be of ${codes(injection.call)}`);
  if (httpStatusCode !== status || typeof message !== "string" || typeof requestId !== "string") {
    problems.push("is not an error of ours");
  }
  if (retryable !== passing) problems.push(`should have retryable: ${passing}`);
  if (code === "ACCESS_DENIED" && typeof hint !== "string") problems.push("should say who lacks what");
  // A write that is given up after seconds may use up the operation's time.
  if (passing && !noticed && injection.times === "once" && injection.kind !== "slow") {
    problems.push("should not have been noticed");
  }
  return problems.map((problem) => `the answer ${problem}: ${text}`);
}
