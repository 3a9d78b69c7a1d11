/** Long-running operations: requests that Artifact Registry answers at once, and carries out afterwards. */
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { NotYet, untilReady } from "../../../core/until-ready.ts";
import type { Backoff } from "../../../core/waiting.ts";
import { grpcCode, undefinedIfNotFound } from "../errors.ts";
import { type GarContext, type RpcClient, type RpcMethod, type RpcOptions, rpc, translateRpcError } from "./context.ts";

/** The waits between two polls of an operation. */
const pollBackoff: Backoff = { baseMs: 50, capMs: 2_000 };

/** The part of google.longrunning.Operation that we read. */
interface Operation {
  readonly name?: string | null;
  readonly done?: boolean | null;
  readonly error?: { readonly code?: number | null; readonly message?: string | null } | null;
}

/**
 * Starts an operation, and waits until it has ended.
 *
 * @param start sends the request that starts it
 * @throws the error with which the operation ended
 */
export async function runOperation(
  context: GarContext,
  call: Call,
  method: RpcMethod,
  start: (
    client: RpcClient,
    options: RpcOptions,
  ) => Promise<readonly [{ readonly latestResponse: unknown }, ...unknown[]]>,
): Promise<void> {
  const started = await rpc(context, call, method, async (client, options) => {
    const [operation] = await start(client, options);
    return operation.latestResponse as Operation;
  });
  const ended = async (tries: number) => {
    const operation = tries === 1 ? started : await getOperation(context, method.action, started.name ?? "", call);
    if (operation.done) return operation;
    // An answer without a name is not an operation. It would never end.
    if (!operation.name) throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "An operation has no name.");
    throw new NotYet(stillRunning(method.action));
  };
  const { error } = await untilReady(ended, call.signal, pollBackoff);
  if (!error?.code) return;
  const failure = Object.assign(new Error(error.message ?? ""), { code: error.code });
  if (method.expected?.includes(error.code)) throw failure;
  throw translateRpcError(failure, context, method);
}

async function getOperation(context: GarContext, action: string, name: string, call: Call): Promise<Operation> {
  const method = {
    action: "GetOperation",
    permission: "artifactregistry.repositories.get",
    expected: [grpcCode.notFound],
  };
  const polled = rpc(context, call, method, async (client, { otherArgs, timeout }) => {
    const headers = { ...otherArgs.headers, "x-goog-request-params": `name=${encodeURIComponent(name)}` };
    const [operation] = await client.operationsClient.getOperation(
      { name } as Parameters<typeof client.operationsClient.getOperation>[0],
      { timeout, retry: null, otherArgs: { headers } } as Parameters<typeof client.operationsClient.getOperation>[1],
    );
    return operation as Operation;
  });
  const operation = await undefinedIfNotFound(polled);
  // This does not mean that the operation's resource is gone, so the caller must not see NOT_FOUND.
  if (operation === undefined) throw outcomeUnknown(action);
  return operation;
}

function outcomeUnknown(action: string): ArtifactRegistryError {
  return new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", `It is not known how Artifact Registry ${action} ended.`, {
    retryable: true,
    hint: "The same call again finishes it.",
  });
}

function stillRunning(action: string): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", `Artifact Registry ${action} has begun and is still running.`, {
    retryable: true,
    hint: "The same call again waits for its end.",
  });
}
