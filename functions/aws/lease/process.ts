import { type Call, race } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { refuseStale } from "../../../core/event-time.ts";
import type { Environment } from "../../../core/platform.ts";
import { reconcile } from "../grants/changes.ts";
import { busy, type Held, type PolicyLease } from "./lease.ts";

/** How long a revocation is remembered, in milliseconds: more than the age of the oldest event that is taken. */
const memoryMs = 7_200_000;

/**
 * The lease where no table is bound: the edits of this process take turns. It does not see other processes, so it records
 * nothing and always believes the document. It is meant for a single process outside Lambda.
 */
export function createProcessLease(): PolicyLease {
  const turns = new Map<string, Promise<void>>();
  const revocations = new Map<string, Date>();

  function forget(now: Date): void {
    for (const [repository, at] of revocations) {
      if (now.getTime() - at.getTime() > memoryMs) revocations.delete(repository);
    }
  }

  const lease: PolicyLease = {
    recorded: async () => undefined,
    look: async (repository) => ({ held: turns.has(repository), unfinished: false }),
    // There is no record that could tell what is current.
    catchUp: (repository, _what, call, _isCurrent, work) => lease.edit(repository, {}, call, work),
    async edit(repository, plan, call, work) {
      const done = await turn(turns, repository, call);
      try {
        const held: Held = {
          reconcile: async (document) => reconcile(undefined, [], document).grants,
          refuseStale() {
            if (call.asOf) refuseStale(call.asOf, revocations.get(repository));
          },
          replaces: async () => undefined,
          write: (what, timeoutMs, send) => call.upstream(what, send, { timeoutMs }),
        };
        const outcome = await work(held);
        const now = call.now();
        forget(now);
        if (plan.removes?.length || outcome.deleted) revocations.set(repository, now);
        if (outcome.failure !== undefined) throw outcome.failure;
        return outcome.result;
      } finally {
        done();
      }
    },
  };
  return lease;
}

/**
 * The lease of a binding without a table: edits take turns within the process, and on Lambda, where others edit at the
 * same time, every edit is refused.
 *
 * @throws BINDING_CONFIG_INVALID from each edit on Lambda
 */
export function leaseWithoutTable(lease: PolicyLease, env: Environment): PolicyLease {
  return {
    async edit(repository, plan, call, work) {
      if (env.AWS_LAMBDA_FUNCTION_NAME) throw noTable();
      return lease.edit(repository, plan, call, work);
    },
    recorded: (repository, call) => lease.recorded(repository, call),
    async look(repository, call) {
      if (env.AWS_LAMBDA_FUNCTION_NAME) throw noTable();
      return lease.look(repository, call);
    },
    async catchUp(repository, what, call, isCurrent, work) {
      if (env.AWS_LAMBDA_FUNCTION_NAME) throw noTable();
      return lease.catchUp(repository, what, call, isCurrent, work);
    },
  };
}

function noTable(): ArtifactRegistryError {
  const message = "The binding has no leaseTable, so access cannot be edited.";
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", message, {
    hint: "Name a DynamoDB table with the partition key `repository` (S) as leaseTable: edits on Lambda need a lease.",
    context: { field: "leaseTable" },
  });
}

/**
 * Waits until the earlier edits of the repository are done.
 *
 * @returns a function that ends this turn
 */
async function turn(turns: Map<string, Promise<void>>, repository: string, call: Call): Promise<() => void> {
  const before = turns.get(repository);
  const { promise: mine, resolve } = Promise.withResolvers<void>();
  const all = Promise.all([before, mine]).then(() => {
    if (turns.get(repository) === all) turns.delete(repository);
  });
  turns.set(repository, all);
  if (!before) return resolve;
  try {
    await race(before, call.signal);
  } catch {
    // No turn fails, so the call has ended.
    resolve();
    throw busy(repository);
  }
  return resolve;
}
