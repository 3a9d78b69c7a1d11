#!/usr/bin/env node
/** `docker-credential-alien`, which Docker's and Podman's clients run to log in to a registry. */
import { text } from "node:stream/consumers";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { writeStdoutWhole } from "../../core/stdout.ts";
import { installCommand } from "../cli/installation.ts";
import { printable } from "../cli/terminal.ts";
import { credentialHelper } from "./helper.ts";
import { ProtocolError, runAction } from "./protocol.ts";

writeStdoutWhole();
const helper = credentialHelper(process.env, (line) => process.stderr.write(`${line}\n`));
const [output, exitCode] = await runAction(helper, process.argv.slice(2), () => text(process.stdin)).then(
  (answer) => [answer, 0] as const,
  (error: unknown) => [`${explain(error)}\n`, 1] as const,
);
// Idle connections would keep this process alive, and with it the client that waits for it.
process.stdout.write(output, (failed) => process.exit(failed ? 1 : exitCode));

/** An error that is not ours is not printed, since it may hold anything, even a token. */
function explain(error: unknown): string {
  if (error instanceof ProtocolError) return error.message;
  if (!(error instanceof ArtifactRegistryError)) return "docker-credential-alien: INTERNAL_ERROR";
  const { code, message, requestId } = error;
  const { packages } = error.context ?? {};
  const hint = typeof packages === "string" ? installCommand(packages) : error.hint;
  const more = [hint, requestId && `Request ${requestId}.`].filter(Boolean).join(" ");
  return printable(`docker-credential-alien: ${code}: ${message} ${more}`.trim());
}
