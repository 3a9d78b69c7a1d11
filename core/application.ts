import { randomUUID } from "node:crypto";
import { type Audit, auditToStdout } from "./audit.ts";
import type { RegistryDirectory } from "./bindings.ts";
import { type Call, type CountedCall, race, startCall } from "./call.ts";
import { type Caller, doorCaller } from "./caller.ts";
import type { CallerEvidence, Door } from "./doors.ts";
import { ArtifactRegistryError, invalidInput, toArtifactRegistryError } from "./errors.ts";
import type { Demand } from "./operation.ts";
import { type OperationName, operationNames, operations } from "./operations.ts";
import type { ArtifactRegistry } from "./registry.ts";
import { authorise, mayTry, type Rule, ruleFields } from "./rules.ts";
import type { RetryPolicy } from "./waiting.ts";

export interface ApplicationOptions {
  readonly directory: RegistryDirectory;
  readonly rules: readonly Rule[];
  readonly door: Door;
  readonly audit?: Audit;
  readonly now?: () => Date;
  /** Milliseconds for one operation as a whole. Default 55,000: below what platforms give a request. */
  readonly operationTimeoutMs?: number;
  /** Milliseconds for one request to the platform. Default 10,000. */
  readonly upstreamTimeoutMs?: number;
  readonly retry?: RetryPolicy;
}

/** One operation as it arrives, over HTTP, by direct invocation or in an event. */
export interface OperationRequest {
  readonly operation: string;
  /** Reads the input. Called once the caller is known, so that a stranger's body is never parsed. */
  readonly input: () => Promise<unknown> | unknown;
  readonly evidence: CallerEvidence;
  readonly requestId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly asOf?: Date | undefined;
}

export type Answer =
  | { readonly ok: true; readonly requestId: string; readonly output: object }
  | { readonly ok: false; readonly requestId: string; readonly error: ArtifactRegistryError };

/** Runs operations: it authenticates, validates, authorises, runs and audits. HTTP, direct invocation and events call it. */
export interface Application {
  readonly door: Door;
  readonly now: () => Date;
  /** Never throws: the answer holds whatever went wrong. */
  run(request: OperationRequest): Promise<Answer>;
  /**
   * Runs a platform's own upkeep, which no caller asks for: for example, a replica has been created. It has the same limits
   * and the same audit line as an operation. Never throws.
   */
  upkeep(task: Upkeep): Promise<Answer>;
}

/** Work that a platform does for itself. It must never give anybody more than they have. */
export interface Upkeep {
  readonly name: string;
  readonly registry: string;
  readonly repoId: string;
  readonly requestId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  run(registry: ArtifactRegistry, call: Call): Promise<void>;
}

export function createApplication(options: ApplicationOptions): Application {
  const { door, now = () => new Date(), audit = auditToStdout, operationTimeoutMs = 55_000 } = options;

  async function audited(
    limits: { readonly requestId?: string | undefined; readonly signal?: AbortSignal | undefined },
    work: (requestId: string, signal: AbortSignal, seen: Seen) => Promise<object>,
  ): Promise<Answer> {
    const requestId = limits.requestId ?? randomUUID();
    const started = performance.now();
    const seen: Seen = {};
    const deadline = AbortSignal.timeout(operationTimeoutMs);
    const signal = limits.signal ? AbortSignal.any([limits.signal, deadline]) : deadline;
    let answer: Answer;
    try {
      answer = { ok: true, requestId, output: await work(requestId, signal, seen) };
    } catch (thrown) {
      answer = { ok: false, requestId, error: toArtifactRegistryError(thrown) };
    }
    audit({
      time: now().toISOString(),
      requestId,
      door: door.name,
      ...(seen.caller && { caller: seen.caller }),
      ...(seen.registry !== undefined && { registry: seen.registry }),
      ...(seen.operation !== undefined && { operation: seen.operation }),
      ...(seen.repoId !== undefined && { repoId: seen.repoId }),
      outcome: answer.ok ? "OK" : answer.error.code,
      milliseconds: Math.round(performance.now() - started),
      upstreamCalls: seen.call?.upstreamCalls ?? 0,
    });
    return answer;
  }

  const callFor = (requestId: string, caller: Caller, signal: AbortSignal, asOf?: Date): CountedCall => {
    const { upstreamTimeoutMs, retry } = options;
    return startCall({
      requestId,
      caller,
      signal,
      now,
      ...(asOf && { asOf }),
      ...(upstreamTimeoutMs !== undefined && { upstreamTimeoutMs }),
      ...(retry && { retry }),
    });
  };

  async function execute(
    request: OperationRequest,
    requestId: string,
    signal: AbortSignal,
    seen: Seen,
  ): Promise<object> {
    const name = request.operation as OperationName;
    const known = Object.hasOwn(operations, name);
    if (known) seen.operation = name;
    const caller = await door.authenticate(request.evidence);
    seen.caller = caller;
    if (!known) throw unknownOperation();
    const parsed = operations[name].parse(await arriving(request, signal));
    seen.registry = parsed.registry;
    seen.repoId = parsed.repoId;
    if (!door.admits(operations[name].kind)) throw wrongDoor(name, door);
    if (!mayTry(options.rules, caller, name, parsed.registry)) throw denied(name);

    const registry = await options.directory.open(parsed.registry);
    const demand = parsed.demand(registry);
    if (demand.repository !== "none" && demand.repository !== "every") seen.repoId = demand.repository;
    const verdict = authorise(options.rules, caller, name, parsed.registry, demand);
    if (!verdict.allowed) throw verdict.lacks === "permissions" ? notPermitted(demand) : denied(name);

    const call = callFor(requestId, caller, signal, request.asOf);
    seen.call = call;
    return parsed.run(registry, call);
  }

  return {
    door,
    now,
    run: (request) => audited(request, (requestId, signal, seen) => execute(request, requestId, signal, seen)),
    upkeep: (task) =>
      audited(task, async (requestId, signal, seen) => {
        Object.assign(seen, { operation: task.name, registry: task.registry, repoId: task.repoId });
        seen.caller = doorCaller(door.name);
        seen.call = callFor(requestId, seen.caller, signal);
        await task.run(await options.directory.open(task.registry), seen.call);
        return {};
      }),
  };
}

/** What was understood of a request before it ended. The audit line is made from it. */
interface Seen {
  caller?: Caller;
  operation?: string;
  registry?: string;
  /** The routable name once it is known; until then, what the caller wrote. */
  repoId?: string | undefined;
  call?: CountedCall;
}

function unknownOperation(): ArtifactRegistryError {
  return invalidInput("There is no such operation.", "operation", `One of ${operationNames.join(", ")}.`);
}

/** Reads the input before the operation's time is over: a sender may send a body as slowly as it likes. */
async function arriving(request: OperationRequest, signal: AbortSignal): Promise<unknown> {
  try {
    return await race(Promise.resolve(request.input()), signal);
  } catch (error) {
    if (!signal.aborted || error instanceof ArtifactRegistryError) throw error;
    throw new ArtifactRegistryError("TIMEOUT", "The body did not arrive in time.", { retryable: true, cause: error });
  }
}

function denied(operation: OperationName): ArtifactRegistryError {
  return new ArtifactRegistryError("ACCESS_DENIED", `No access rule allows the caller ${operation} here.`, {
    hint: `The operator can allow it in ALIEN_ACCESS_RULES: ${ruleFields.map(({ name }) => name).join(", ")}.`,
  });
}

/** For a caller whom a rule covers in all but its `permissions`: it learns nothing but which field is in the way. */
function notPermitted({ permissions }: Demand): ArtifactRegistryError {
  return new ArtifactRegistryError("ACCESS_DENIED", `No access rule allows the caller ${permissions} here.`, {
    hint: `The operator can add "${permissions}" to the "permissions" of the caller's rule in ALIEN_ACCESS_RULES; a rule without them allows "pull" alone.`,
    context: { field: "permissions" },
  });
}

function wrongDoor(operation: OperationName, door: Door): ArtifactRegistryError {
  return new ArtifactRegistryError("ACCESS_DENIED", `${operation} does not pass through the ${door.name} door.`, {
    hint:
      door.name === "provision"
        ? "This function only provisions registries; call the one that serves repositories."
        : "Deploy the function with ALIEN_DOOR=provision, and its own role, for this operation.",
  });
}
