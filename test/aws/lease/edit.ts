import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { addAccess, planToAdd, planToRemove, removeAccess } from "../../../functions/aws/grants/changes.ts";
import { account } from "../../../functions/aws/grants/grant.ts";
import type { PolicyLease } from "../../../functions/aws/lease/lease.ts";
import { access } from "../policy/support/access.ts";

/** One change of the access of one account, given by its number. */
export interface Change {
  readonly kind: "add" | "remove";
  readonly grant: string;
}

/** A document of the policy store: our statements, and somebody else's. */
export interface Document {
  readonly own: readonly string[];
  readonly foreign?: readonly string[];
}

export function read(text: string | undefined): Document {
  return text === undefined ? { own: [] } : (JSON.parse(text) as Document);
}

export interface EditOptions {
  readonly storeUrl: string;
  readonly repository: string;
  readonly worker: string;
  /** Milliseconds for one write. */
  readonly writeMs: number;
}

/** An edit as the ECR adapter does it: under the lease read, change, write, answer what is to be recorded. */
export async function edit(lease: PolicyLease, { kind, grant }: Change, options: EditOptions, call: Call) {
  const { storeUrl, repository, worker, writeMs } = options;
  const url = `${storeUrl}/${repository}`;
  const headers = { "x-worker": worker };
  const value = access({ accountIds: [grant] });
  const plan = kind === "add" ? planToAdd(value) : planToRemove(value);
  await lease.edit(repository, plan, call, async (held) => {
    const before = await call.upstream("GET", async (signal) => {
      const response = await fetch(url, { headers, signal });
      return response.status === 404 ? undefined : response.text();
    });
    const document = read(before);
    const settled = await held.reconcile({ own: document.own.map(account), adopted: [] });
    const grants = (kind === "add" ? addAccess : removeAccess)(settled, value);
    const after = JSON.stringify({ ...document, own: grants.accounts });
    if (after !== before) {
      await held.write("PUT", writeMs, async (signal) => {
        try {
          const response = await fetch(url, { method: "PUT", headers, body: after, signal });
          await response.text();
        } catch (cause) {
          throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "no answer", { retryable: true, cause });
        }
      });
    }
    return { grants, result: undefined };
  });
}
