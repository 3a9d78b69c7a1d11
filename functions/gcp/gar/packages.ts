import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { googleCode, translateGoogleError } from "../errors.ts";
import { grpcCode } from "../grpc-codes.ts";
import { packageResource } from "../place.ts";
import { type GarContext, rpc } from "./context.ts";

/** Milliseconds between two looks at an operation: the first, growing to the last. */
const looks = { firstMs: 50, lastMs: 2_000 } as const;

const permission = "artifactregistry.packages.delete";

/** The part of google.longrunning.Operation that is read here. */
interface Operation {
  readonly name?: string | null;
  readonly done?: boolean | null;
  readonly error?: { readonly code?: number | null; readonly message?: string | null } | null;
}

/**
 * Deletes exactly this image path, with all its versions and tags, and waits until it is gone. Idempotent.
 *
 * @throws INVALID_INPUT for the bare prefix, which is the registry itself
 */
export async function deletePackage(context: GarContext, name: RoutableName, call: Call): Promise<void> {
  const path = context.names.imagePath(name);
  if (path === "") {
    throw invalidInput(`"${name}" is the registry itself; it is not deleted by itself.`, "repoId");
  }
  const request = { name: packageResource(context.place, path) };
  const expected = [grpcCode.notFound];
  try {
    const started = await rpc(
      context,
      call,
      { action: "DeletePackage", permission, expected },
      async (client, more) => {
        const [operation] = await client.deletePackage(request, more);
        return operation.latestResponse as Operation;
      },
    );
    await finished(context, started, call);
  } catch (error) {
    // What is gone already is as it should be.
    if (googleCode(error) !== grpcCode.notFound) throw error;
  }
}

/** Waits for the operation's end, and throws the error that it ended with. */
async function finished(context: GarContext, started: Operation, call: Call): Promise<void> {
  let operation = started;
  for (let wait: number = looks.firstMs; !operation.done; wait = Math.min(wait * 2, looks.lastMs)) {
    await pause(wait, call);
    operation = await look(context, operation.name ?? "", call);
  }
  const { code, message } = operation.error ?? {};
  if (!code) return;
  const error = Object.assign(new Error(message ?? ""), { code });
  if (code === grpcCode.notFound) throw error;
  throw translateGoogleError(error, "Artifact Registry DeletePackage", permission);
}

function look(context: GarContext, name: string, call: Call): Promise<Operation> {
  if (name === "") throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "An operation has no name.");
  const options = { action: "GetOperation", permission: "artifactregistry.repositories.get" };
  return rpc(context, call, options, async (client, { otherArgs, timeout }) => {
    const headers = { ...otherArgs.headers, "x-goog-request-params": `name=${encodeURIComponent(name)}` };
    const [operation] = await client.operationsClient.getOperation(
      { name } as Parameters<typeof client.operationsClient.getOperation>[0],
      { timeout, retry: null, otherArgs: { headers } } as Parameters<typeof client.operationsClient.getOperation>[1],
    );
    return operation as Operation;
  });
}

async function pause(milliseconds: number, call: Call): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal: call.signal });
  } catch (cause) {
    throw new ArtifactRegistryError("TIMEOUT", "The deletion has begun, and goes on.", {
      retryable: true,
      hint: "The same call again waits for its end.",
      cause,
    });
  }
}
