import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type Backoff, NotYet, untilReady } from "../../../core/waiting.ts";
import { grpcCode, translateGoogleError, unlessAbsent } from "../errors.ts";
import { type Client, type GarContext, neededFor, type RequestOptions, type RpcOptions, rpc } from "./context.ts";

/** The waits between two looks at an operation. */
const looks: Backoff = { baseMs: 50, capMs: 2_000 };

/** The part of google.longrunning.Operation that is read here. */
interface Operation {
  readonly name?: string | null;
  readonly done?: boolean | null;
  readonly error?: { readonly code?: number | null; readonly message?: string | null } | null;
}

/** One request that starts an operation, to the operation's end. @throws the error that it ended with */
export async function operate(
  context: GarContext,
  call: Call,
  options: RpcOptions,
  start: (
    client: Client,
    options: RequestOptions,
  ) => Promise<readonly [{ readonly latestResponse: unknown }, ...unknown[]]>,
): Promise<void> {
  const started = await rpc(context, call, options, async (client, more) => {
    const [operation] = await start(client, more);
    return operation.latestResponse as Operation;
  });
  const end = async (tries: number) => {
    const operation = tries === 1 ? started : await look(context, options, started.name ?? "", call);
    if (!operation.done) throw new NotYet(goesOn(options.action));
    return operation;
  };
  const { error } = await untilReady(end, call.signal, looks);
  if (!error?.code) return;
  const failure = Object.assign(new Error(error.message ?? ""), { code: error.code });
  if (options.expected?.includes(error.code)) throw failure;
  throw translateGoogleError(failure, `Artifact Registry ${options.action}`, neededFor(context, options));
}

async function look(context: GarContext, { action }: RpcOptions, name: string, call: Call): Promise<Operation> {
  if (name === "") throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "An operation has no name.");
  const options = {
    action: "GetOperation",
    permission: "artifactregistry.repositories.get",
    expected: [grpcCode.notFound],
  };
  const found = rpc(context, call, options, async (client, { otherArgs, timeout }) => {
    const headers = { ...otherArgs.headers, "x-goog-request-params": `name=${encodeURIComponent(name)}` };
    const [operation] = await client.operationsClient.getOperation(
      { name } as Parameters<typeof client.operationsClient.getOperation>[0],
      { timeout, retry: null, otherArgs: { headers } } as Parameters<typeof client.operationsClient.getOperation>[1],
    );
    return operation as Operation;
  });
  const operation = await unlessAbsent(found);
  // What the operation is about is not said to be absent by that: it may be there.
  if (operation === undefined) throw endUnknown(action);
  return operation;
}

function endUnknown(action: string): ArtifactRegistryError {
  return new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", `How Artifact Registry ${action} ended is not known.`, {
    retryable: true,
    hint: "The same call again finishes it.",
  });
}

function goesOn(action: string): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", `Artifact Registry ${action} has begun, and goes on.`, {
    retryable: true,
    hint: "The same call again waits for its end.",
  });
}
