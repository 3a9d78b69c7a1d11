import { randomUUID } from "node:crypto";
import {
  type AskedFor,
  type Audit,
  auditToStdout,
  type Claimed,
  type Lack,
  type Outcome,
  type Reason,
  type Source,
} from "./audit.ts";
import type { RegistryDirectory } from "./bindings.ts";
import { createBudget, type Limits, networkOf, noLimits, overBudget } from "./budget.ts";
import { type Call, type CountedCall, race, startCall } from "./call.ts";
import { type AuthenticatedCaller, type Caller, doorCaller, doorIssuer } from "./caller.ts";
import { type CallerEvidence, type Door, Unauthenticated } from "./doors.ts";
import { type ErrorLog, errorLine, errorLogToStdout } from "./error-log.ts";
import { ArtifactRegistryError, toArtifactRegistryError } from "./errors.ts";
import type { Demand } from "./operation.ts";
import { type OperationName, operations, unknownOperation } from "./operations.ts";
import { type PageTokens, withoutPageKey } from "./pages.ts";
import type { ArtifactRegistry } from "./registry.ts";
import { authorise, type Refused, refuseEarly, ruleFields } from "./rules.ts";
import type { RulesSource } from "./rules-source.ts";
import type { RetryPolicy } from "./waiting.ts";

export interface ApplicationOptions {
  readonly directory: RegistryDirectory;
  readonly rules: RulesSource;
  readonly door: Door;
  readonly audit?: Audit;
  readonly errorLog?: ErrorLog;
  readonly now?: () => Date;
  /** Milliseconds for one operation as a whole. Default 55,000: below what platforms give a request. */
  readonly operationTimeoutMs?: number;
  /** Milliseconds for one request to the platform. Default 10,000. */
  readonly upstreamTimeoutMs?: number;
  readonly retry?: RetryPolicy;
  /** Without them there are none, and a list ends with its first page. */
  readonly limits?: Limits;
  readonly pages?: PageTokens;
}

/** One operation as it arrives, over HTTP, by direct invocation or in an event. */
export interface OperationRequest {
  readonly operation: string;
  /** Reads the input. Called once the caller is known, so that a stranger's body is never parsed. */
  readonly input: () => Promise<unknown> | unknown;
  readonly evidence: CallerEvidence;
  readonly source?: Source | undefined;
  readonly requestId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly asOf?: Call["asOf"] | undefined;
}

export type Answer =
  | { readonly ok: true; readonly requestId: string; readonly output: object }
  | { readonly ok: false; readonly requestId: string; readonly error: ArtifactRegistryError };

/** Runs operations: it authenticates, validates, authorises, runs and audits. HTTP, direct invocation and events call it. */
export interface Application {
  readonly door: Door;
  readonly rules: RulesSource;
  /** How many proxies in front of us add to `X-Forwarded-For`. */
  readonly trustedProxies: number;
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
  const { errorLog = errorLogToStdout, limits = noLimits, pages = withoutPageKey } = options;
  const callers = createBudget(limits.caller);
  const failures = createBudget(limits.failures);

  async function audited(
    limits: Pick<OperationRequest, "requestId" | "signal" | "source">,
    work: (requestId: string, signal: AbortSignal, seen: Seen) => Promise<object>,
  ): Promise<Answer> {
    const requestId = limits.requestId ?? randomUUID();
    const started = performance.now();
    const seen: Seen = { asked: {}, outcome: {} };
    const deadline = AbortSignal.timeout(operationTimeoutMs);
    const signal = limits.signal ? AbortSignal.any([limits.signal, deadline]) : deadline;
    let answer: Answer;
    try {
      answer = { ok: true, requestId, output: await work(requestId, signal, seen) };
    } catch (thrown) {
      answer = { ok: false, requestId, error: toArtifactRegistryError(thrown) };
      const line = errorLine(thrown, now().toISOString(), requestId);
      // A sender that did not send its body in time, or that has gone, is no error of ours.
      const isTheirs = line?.outcome === "TIMEOUT" && (seen.call === undefined || limits.signal?.aborted === true);
      if (line && !isTheirs) errorLog(line);
    }
    audit({
      time: now().toISOString(),
      requestId,
      door: door.name,
      ...(seen.caller && { caller: namedBy(seen.caller, seen) }),
      ...(seen.claimed && { claimed: seen.claimed }),
      ...(limits.source && Object.keys(limits.source).length > 0 && { source: limits.source }),
      ...(seen.registry !== undefined && { registry: seen.registry }),
      ...(seen.operation !== undefined && { operation: seen.operation }),
      ...(seen.repoId !== undefined && { repoId: seen.repoId }),
      ...seen.asked,
      ...(answer.ok && seen.outcome),
      outcome: answer.ok ? "OK" : answer.error.code,
      ...(seen.reason !== undefined && { reason: seen.reason }),
      milliseconds: Math.round(performance.now() - started),
      upstreamCalls: seen.call?.upstreamCalls ?? 0,
    });
    return answer;
  }

  const callFor = (requestId: string, caller: Caller, signal: AbortSignal, asOf?: Call["asOf"]): CountedCall => {
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
    const caller = await authenticate(request, seen);
    seen.caller = caller;
    // A door whose callers cannot be told apart has no budget: one of them would use up that of all others.
    const wait = caller.issuer === doorIssuer ? 0 : callers.take(JSON.stringify([caller.issuer, caller.subject]));
    if (wait > 0) {
      seen.reason = "CALLER_BUDGET";
      throw overBudget("The caller", wait);
    }
    if (!known) throw unknownOperation();
    const parsed = operations[name].parse(await arriving(request, signal));
    seen.registry = parsed.registry;
    seen.repoId = parsed.repoId;
    seen.asked = parsed.asked;
    if (!door.admits(operations[name].kind)) throw wrongDoor(name, door);
    const { rules, problem } = await options.rules.current();
    const refusal = refuseEarly(rules, caller, name, parsed.registry);
    if (refusal) throw denied(refusal, name, seen);

    const registry = await options.directory.open(parsed.registry);
    const call = callFor(requestId, caller, signal, request.asOf);
    seen.call = call;
    await registry.learnForms?.(parsed.repoIds, call);
    const demands = parsed.demands(registry);
    const [{ repository }, ...further] = demands;
    if (repository !== "none" && repository !== "every") seen.repoId = repository;
    if (seen.asked.alsoPull) seen.asked = { ...seen.asked, alsoPull: further.map((each) => each.repository) };
    let maxTtlSeconds: number | undefined;
    for (const demand of demands) {
      const verdict = authorise(rules, caller, name, parsed.registry, demand);
      if (!verdict.allowed) throw denied(verdict, name, seen, demand, further.includes(demand));
      seen.claims = { ...seen.claims, ...verdict.claims };
      maxTtlSeconds = leastOf(maxTtlSeconds, verdict.maxTtlSeconds);
    }
    return parsed.run(registry, call, {
      ...(maxTtlSeconds !== undefined && { maxTtlSeconds }),
      covers: (repository) =>
        authorise(rules, caller, name, parsed.registry, { repository, permissions: "none", grantees: [] }).allowed,
      pages,
      findings: problem ? [problem] : [],
      tell: (outcome) => Object.assign(seen.outcome, outcome),
    });
  }

  /** Failures are counted once they are known to be failures, so that nobody stands in front of a valid token. */
  async function authenticate({ evidence, source }: OperationRequest, seen: Seen): Promise<AuthenticatedCaller> {
    try {
      return await door.authenticate(evidence);
    } catch (thrown) {
      if (!(thrown instanceof Unauthenticated)) throw thrown;
      [seen.reason, seen.claimed] = [thrown.reason, thrown.claimed];
      const wait = source?.address === undefined ? 0 : failures.take(networkOf(source.address));
      if (wait === 0) throw thrown;
      seen.reason = "SOURCE_BUDGET";
      throw overBudget("This address", wait);
    }
  }

  return {
    door,
    rules: options.rules,
    trustedProxies: limits.trustedProxies,
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

function leastOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

/** What was understood of a request before it ended. The audit line is made from it. */
interface Seen {
  caller?: Caller;
  /** The claims that the caller's rules asked for. */
  claims?: Readonly<Record<string, unknown>>;
  claimed?: Claimed | undefined;
  operation?: string;
  registry?: string;
  /** The routable name once it is known; until then, what the caller wrote. */
  repoId?: string | undefined;
  asked: AskedFor;
  outcome: Outcome;
  reason?: Reason;
  call?: CountedCall;
}

/** The caller as the audit log names it. The rest of a token is nobody's business. */
function namedBy({ issuer, subject }: Caller, { claims = {} }: Seen): AuthenticatedCaller {
  return { issuer, subject, ...(Object.keys(claims).length > 0 && { claims }) };
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

/** A caller whom a rule covers in all but one part learns which part is in the way, and nothing else. */
function denied(
  refused: Refused,
  operation: OperationName,
  seen: Seen,
  demand?: Demand,
  isFurther = false,
): ArtifactRegistryError {
  const { lacks, claims } = refused;
  if (claims) seen.claims = { ...seen.claims, ...claims };
  seen.reason = `RULES_LACK_${lacks.toUpperCase() as Uppercase<Lack>}`;
  const what = demand && (isFurther || lacks === "permissions") ? demand.permissions : operation;
  const where = isFurther ? `of "${demand?.repository}"` : "here";
  const field = lacks === "rule" ? isFurther && "alsoPull" : lacks;
  return new ArtifactRegistryError("ACCESS_DENIED", `No access rule allows the caller ${what} ${where}.`, {
    hint: hints[lacks](demand),
    ...(field && { context: { field } }),
  });
}

const hints: Readonly<Record<Lack, (demand?: Demand) => string>> = {
  rule: () => `The operator can allow it in ALIEN_ACCESS_RULES: ${ruleFields.map(({ name }) => name).join(", ")}.`,
  claims: () =>
    `A rule in ALIEN_ACCESS_RULES names the caller, and asks for "claims" that the caller's token does not have.`,
  permissions: (demand) =>
    `The operator can add "${demand?.permissions}" to the "permissions" of the caller's rule in ALIEN_ACCESS_RULES; a rule without them allows "pull" alone.`,
  via: () =>
    `The caller's rule in ALIEN_ACCESS_RULES allows credentials of the "gateway" alone; the operator can add "registry" to its "via".`,
  grantees: () => `The operator can add the consumers to the "grantees" of the caller's rule in ALIEN_ACCESS_RULES.`,
};

function wrongDoor(operation: OperationName, door: Door): ArtifactRegistryError {
  return new ArtifactRegistryError("ACCESS_DENIED", `${operation} does not pass through the ${door.name} door.`, {
    hint:
      door.name === "provision"
        ? "This function only provisions registries; call the one that serves repositories."
        : "Deploy the function with ALIEN_DOOR=provision, and its own role, for this operation.",
  });
}
