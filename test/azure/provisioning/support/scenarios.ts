import type { TestSuite, WireAnswer } from "../../../support/suite.ts";
import type { Slot } from "./bench.ts";

/** How a row of the table comes about. */
export interface Scenario {
  /** Absent: the registry is for another function. */
  readonly own?: "for itself";
  readonly input?: object;
  /** Arranged on a cleared slot. */
  arrange?(slot: Slot): unknown;
}

export function ask(suite: TestSuite, operation: string, { input = {} }: Scenario): Promise<WireAnswer> {
  return suite.ask(operation, input);
}

async function provisioned(slot: Slot): Promise<void> {
  const { status, text } = await slot.open("quick").ask("provisionRegistry", {});
  if (status !== 200) throw new Error(`It could not be arranged: ${text}`);
  // Somebody else reads there, and that is nobody's business.
  slot.azure.assign(slot.azure.identity(`${slot.name}reader`), "AcrPull", slot.scope);
}

async function filled(slot: Slot): Promise<void> {
  await provisioned(slot);
  const now = slot.azure.world.clock();
  const locks = { deleteEnabled: true, writeEnabled: true, listEnabled: true, readEnabled: true };
  const path = "images/team/app";
  const images = { manifests: new Map(), tags: new Map() };
  const repository = { name: path, createdTime: now, lastUpdateTime: now, locks, ...images };
  slot.azure.world.registries.get(slot.name)?.repositories.set(path, repository);
}

async function drifted(slot: Slot): Promise<void> {
  await provisioned(slot);
  const { azure, serving, scope, name } = slot;
  Object.assign(azure.world.registries.get(name) ?? {}, { adminUserEnabled: true, anonymousPullEnabled: true });
  const { assignments } = azure.world;
  const [one, other] = assignments
    .list()
    .filter((each) => each.scope === scope && each.principalId === serving.principalId);
  // One role is missing, and one that we gave is a former function's.
  if (one) assignments.remove(one, true);
  if (other)
    assignments.add({ ...other, name: crypto.randomUUID(), principalId: azure.identity(`${name}former`).principalId });
}

async function theirs({ azure, name, scope }: Slot): Promise<void> {
  const [resourceGroup] = scope.split("/").slice(4);
  await azure.registry(name, { ...(resourceGroup !== undefined && { resourceGroup }), adminUserEnabled: true });
}

/** By operation and case, as the table names them. */
export const scenarios: Readonly<Record<string, Readonly<Record<string, Scenario>>>> = {
  provisionRegistry: {
    "from nothing": {},
    "for the function itself": { own: "for itself" },
    "one that is there": { arrange: provisioned },
    "one that drifted": { arrange: drifted },
    "one that is somebody else's": { arrange: theirs },
  },
  describeRegistry: { "through the provision door": { arrange: provisioned } },
  deprovisionRegistry: {
    "an empty one": { arrange: provisioned },
    "one with images, when told": { arrange: filled, input: { deleteRepositories: true } },
    "one with images": { arrange: filled },
    "one that is gone": {},
  },
};
