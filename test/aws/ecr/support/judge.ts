import { statusOf } from "../../../../core/errors.ts";
import type { Row } from "../calls.golden.ts";
import type { WireAnswer } from "./application.ts";
import type { Bench } from "./bench.ts";
import { B } from "./consumers.ts";
import { canary, type Injection, kinds, type Reference } from "./injections.ts";

/**
 * What is wrong with an answer: a fault that passes must not be noticed when it passes at once; otherwise the answer is
 * as without it, or a typed error that says truly whether the same call may succeed later.
 */
export function expectedAnswer({ status, text, body }: WireAnswer, injection: Injection, wanted: Reference): string[] {
  const { passing } = kinds[injection.kind];
  if (status === wanted.status && body.code === wanted.code) return [];
  const problems: string[] = [];
  const { code, retryable, message, requestId, httpStatusCode } = body;
  if (typeof code !== "string" || !(code in statusOf) || code === "INTERNAL_ERROR") problems.push("is not typed");
  if (httpStatusCode !== status || typeof message !== "string" || typeof requestId !== "string") {
    problems.push("is not an error of ours");
  }
  if (retryable !== passing) problems.push(`should have retryable: ${passing}`);
  // A write that is given up after seconds may use up the operation's time.
  if (passing && injection.times === "once" && injection.kind !== "slow") problems.push("should not have been noticed");
  return problems.map((problem) => `the answer ${problem}: ${text}`);
}

/** Secrets, and in errors what concerns other tenants, that stand in an answer or a log. */
export function secretsIn({ stack }: Bench, { status, text }: WireAnswer, { operation }: Row): string[] {
  const { directory, tokens } = stack.emulator.world;
  const minted = operation === "generateCredentials" && status === 200;
  const secrets = [
    canary,
    ...[...directory.keys.values()].flatMap(({ secret, sessionToken = secret }) => [secret, sessionToken]),
    ...(minted ? [] : tokens.keys()),
    ...(status === 200 ? [] : [B, "Theirs", "999900001111"]),
  ];
  return secrets.filter((secret) => text.includes(secret)).map((secret) => `${secret} is told: ${text}`);
}
