import { setTimeout as sleep } from "node:timers/promises";
import { startCall } from "../../../core/call.ts";
import { toArtifactRegistryError } from "../../../core/errors.ts";
import { createProcessLease } from "../../../functions/aws/lease/process.ts";
import { createLeaseTable } from "../../../functions/aws/lease/table.ts";
import { dynamoClient } from "./dynamo.ts";
import { type Change, edit } from "./edit.ts";

/** What a worker is told, as JSON in its first argument. */
export interface Orders {
  readonly worker: string;
  /** Absent: without a lease, as the negative control. */
  readonly dynamo?: { readonly endpoint: string; readonly tableName: string };
  readonly leaseMs: number;
  readonly storeUrl: string;
  readonly writeMs: number;
  readonly editMs: number;
  readonly changes: readonly (Change & { readonly repository: string })[];
}

/** What a worker prints, a line each. */
export type Report =
  | { readonly event: "start" | "acknowledged"; readonly index: number; readonly at: number }
  | { readonly event: "refused"; readonly index: number; readonly code: string; readonly retryable: boolean };

const orders = JSON.parse(process.argv[2] ?? "") as Orders;
const { dynamo, leaseMs, storeUrl, worker, writeMs } = orders;
const print = (report: Report) => process.stdout.write(`${JSON.stringify(report)}\n`);
// One clock for all processes of the machine.
const at = () => Number(process.hrtime.bigint()) / 1e6;
const lease = dynamo
  ? createLeaseTable({
      tableName: dynamo.tableName,
      client: dynamoClient(dynamo.endpoint),
      leaseMs,
      poll: { baseMs: 12, capMs: 200 },
    })
  : createProcessLease();

for (const [index, { repository, ...change }] of orders.changes.entries()) {
  print({ event: "start", index, at: at() });
  for (let acknowledged = false; !acknowledged; ) {
    const call = startCall({
      requestId: `${worker}-${index}`,
      caller: { issuer: "door", subject: worker },
      signal: AbortSignal.timeout(orders.editMs),
      now: () => new Date(),
    });
    try {
      await edit(lease, change, { storeUrl, repository, worker, writeMs }, call);
      acknowledged = true;
      print({ event: "acknowledged", index, at: at() });
    } catch (thrown) {
      const { code, retryable } = toArtifactRegistryError(thrown);
      print({ event: "refused", index, code, retryable });
      if (!retryable) throw thrown;
      await sleep(Math.random() * 50);
    }
  }
}
process.exit(0);
