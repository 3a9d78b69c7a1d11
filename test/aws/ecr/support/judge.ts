import type { Row } from "../../../support/faults/rows.ts";
import type { WireAnswer } from "../../../support/suite.ts";
import type { Bench } from "./bench.ts";
import { B } from "./consumers.ts";
import { canary } from "./injections.ts";

/** Secrets, and in errors what concerns other tenants, that stand in an answer or a log. */
export function secretsIn({ stack }: Bench, { status, text, headers }: WireAnswer, { operation }: Row): string[] {
  const { directory, tokens } = stack.emulator.world;
  const minted = operation === "generateCredentials" && status === 200;
  const secrets = [
    canary,
    ...[...directory.keys.values()].flatMap(({ secret, sessionToken = secret }) => [secret, sessionToken]),
    ...(minted ? [] : tokens.keys()),
    ...(status === 200 ? [] : [B, "Theirs", "999900001111"]),
  ];
  return secrets.filter((secret) => `${headers}${text}`.includes(secret)).map((secret) => `${secret} is told: ${text}`);
}
