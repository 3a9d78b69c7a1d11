import * as v from "valibot";
import type { Application } from "./application.ts";
import type { Source } from "./audit.ts";
import { ArtifactRegistryError } from "./errors.ts";
import { checkPayload } from "./json.ts";
import { validate } from "./operation.ts";

/** What a door knows about an invocation in addition to its payload. */
export interface InvokeContext {
  readonly requestId?: string;
  readonly signal?: AbortSignal;
  readonly source?: Source;
}

const payloadSchema = v.looseObject({ operation: v.string() });

/**
 * Runs a direct invocation. Its payload is the HTTP body with `operation` in it.
 *
 * @returns the operation's output
 * @throws ArtifactRegistryError and nothing else; AUTHENTICATION_ERROR at a door that is not for direct invocation
 *
 * @example
 * const { name } = await invoke(application, { operation: "createRepository", registry: "images", name: "my-app" });
 */
export async function invoke(application: Application, payload: unknown, context: InvokeContext = {}): Promise<object> {
  if (application.door.accepts !== "invoke") {
    throw new ArtifactRegistryError(
      "AUTHENTICATION_ERROR",
      `The ${application.door.name} door is shut for direct invocation.`,
      { hint: "Deploy the function with ALIEN_DOOR=invoke to call it directly." },
    );
  }
  const { operation } = validate(payloadSchema, checkPayload(payload));
  // We take the input from the payload: the validator silently drops fields with names like `constructor`.
  const { operation: _, ...input } = payload as Record<string, unknown>;
  const answer = await application.run({
    operation,
    input: () => input,
    evidence: {},
    source: context.source,
    requestId: context.requestId,
    signal: context.signal,
  });
  if (answer.ok) return answer.output;
  throw answer.error;
}
