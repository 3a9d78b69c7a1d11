import { pushImage } from "../../../../oci/client/index.ts";
import { buildImage } from "../../../oci/client/images.ts";
import type { Slot } from "./bench.ts";

export interface Scenario {
  /** Fields of the binding that differ. */
  readonly binding?: object;
  /** What is there before, made past the adapter or by a suite of its own. */
  arrange?(slot: Slot): Promise<unknown>;
  /** Asked once before, by the same suite. */
  readonly again?: true;
  input(slot: Slot): object;
}

const byId = ({ name }: Slot) => ({ repoId: name });
const byName = ({ logical }: Slot) => ({ name: logical });
const minting = (permissions: "pull" | "push-pull") => (slot: Slot) => ({ repoId: slot.name, permissions });

const created = ({ suite, logical }: Slot) => suite().ask("createRepository", { name: logical });
const imageOf = ({ name }: Slot) => buildImage({ seed: name, layers: [100] });
const pushed = (slot: Slot) => pushImage(slot.client, slot.name, "1.0", imageOf(slot));
async function createdAndPushed(slot: Slot): Promise<void> {
  await created(slot);
  await pushed(slot);
}

/** A prefix below which no other case has anything. */
const alone = { repositoryPrefix: "images/alone" };

/** By operation, then by case, as in the table of calls. */
export const scenarios: Readonly<Record<string, Readonly<Record<string, Scenario>>>> = {
  createRepository: {
    "a new one": { input: byName },
    "one that exists": { arrange: created, input: byName },
  },
  getRepository: {
    "one that was created": { arrange: created, input: byId },
    "one that was only pushed": { arrange: pushed, input: byId },
    "one that does not exist": { input: byId },
  },
  deleteRepository: {
    "one with an image of one layer": { arrange: createdAndPushed, input: byId },
    "an empty one": { arrange: created, input: byId },
    "one that is gone": { input: byId },
  },
  listRepositories: {
    "one, in a registry that has others": {
      binding: alone,
      arrange: ({ suite }) => suite(alone).ask("createRepository", { name: "app" }),
      input: () => ({}),
    },
  },
  listImages: {
    "one, with our marker beside it": { arrange: createdAndPushed, input: byId },
    "two tags of one image": {
      async arrange(slot) {
        await pushed(slot);
        await pushImage(slot.client, slot.name, "2.0", imageOf(slot));
      },
      input: byId,
    },
  },
  deleteImage: {
    "by digest": {
      arrange: pushed,
      input: (slot) => ({ ...byId(slot), reference: imageOf(slot).manifest.digest }),
    },
    "by tag": { arrange: pushed, input: (slot) => ({ ...byId(slot), reference: "1.0" }) },
  },
  generateCredentials: {
    pull: { input: minting("pull") },
    "push-pull": { input: minting("push-pull") },
    "once more": { input: minting("pull"), again: true },
    "pull, a static account": { binding: { staticCredentials: true }, input: minting("pull") },
    "push-pull, a static account": { binding: { staticCredentials: true }, input: minting("push-pull") },
  },
  setupRepository: {
    "a new one": { input: byName },
  },
  describeRegistry: {
    plain: { input: () => ({}) },
  },
};

export function scenarioOf({ operation, title }: { operation: string; title: string }): Scenario {
  const scenario = scenarios[operation]?.[title];
  if (scenario === undefined) throw new Error(`Nothing runs ${operation}: ${title}.`);
  return scenario;
}
