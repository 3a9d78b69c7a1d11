import { startCall } from "../../../core/call.ts";
import type { GcpAccess } from "../../../core/schemas.ts";
import type { GarBinding } from "../../../functions/gcp/binding.ts";
import { createGarRegistry } from "../../../functions/gcp/gar/adapter.ts";

/** What a process of the crowd shall do, in its order. */
export interface Orders {
  readonly binding: GarBinding;
  readonly changes: readonly Change[];
}

export interface Change {
  readonly does: "add" | "remove";
  readonly access: GcpAccess;
}

const orders = JSON.parse(process.argv[2] ?? "") as Orders;
const registry = createGarRegistry({
  name: "images",
  binding: orders.binding,
  derived: false,
  others: [],
  env: process.env,
});
const name = registry.resolveId("my-app");
const caller = { issuer: "door", subject: "test" };

for (const [index, { does, access }] of orders.changes.entries()) {
  const signal = AbortSignal.timeout(55_000);
  const call = startCall({ requestId: `${process.pid}-${index}`, caller, signal, now: () => new Date() });
  const { crossAccount } = registry;
  await (does === "add" ? crossAccount?.add(name, [access], call) : crossAccount?.remove(name, access, call));
  // Each line is an acknowledgement.
  console.log(index);
}
process.exit(0);
