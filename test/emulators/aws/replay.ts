import type { CallRecord } from "./call.ts";
import { evaluate, type Subject } from "./identity/oracle.ts";

/**
 * Whether a recorded call would be allowed under other policies: everything that was asked about it then is asked
 * again, with the same resources, conditions and resource policies. Returns the actions that are refused.
 *
 * @example
 * for (const call of emulator.calls) expect(await replayCall(call, [rolePolicy])).toEqual([]);
 */
export async function replayCall(
  { authorizations, principal = "" }: CallRecord,
  identityPolicies: readonly object[],
  limits: { readonly sessionPolicy?: object; readonly boundary?: object } = {},
): Promise<string[]> {
  const text = (policy: object | undefined) => (policy === undefined ? undefined : JSON.stringify(policy));
  const subject: Subject = {
    arn: principal,
    identityPolicies: identityPolicies.map((policy) => JSON.stringify(policy)),
    sessionPolicy: text(limits.sessionPolicy),
    boundary: text(limits.boundary),
  };
  const refused: string[] = [];
  for (const { verdict: _, ...question } of authorizations) {
    if ((await evaluate(subject, question)) !== "Allowed") refused.push(question.action);
  }
  return refused;
}
