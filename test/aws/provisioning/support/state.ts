import type { CallRecord } from "../../../emulators/aws/call.ts";
import type { AwsEmulator } from "../../../emulators/aws/index.ts";
import type { Account } from "./account.ts";

/** Everything that a registry's provisioning could change, as text, so that two moments can be compared. */
export function stateOf({ emulator, stack }: Account, mine: (name: string) => boolean = () => true): unknown {
  const { directory } = emulator.world;
  const roles = [...directory.account(stack.account).roles.values()]
    .filter(({ name }) => mine(name))
    .map(({ name, id, trust, policies, attached, tags, boundary, maxSessionDuration }) => [
      name,
      { id, trust: trust.document, policies: [...policies], attached: [...attached] },
      { tags: [...tags], boundary, maxSessionDuration },
    ]);
  const registries = emulator.world.registries().map((registry) => ({
    region: registry.region,
    rules: registry.rules.filter(({ repositoryFilters }) => repositoryFilters.every(({ filter }) => mine(filter))),
    repositories: [...registry.repositories.values()]
      .filter(({ name }) => mine(name))
      .map(({ name, createdAt, tags, policy, images }) => [
        name,
        { createdAt, tags: [...tags], policy: policy?.document, images: [...images.keys()] },
      ]),
  }));
  return JSON.parse(JSON.stringify({ roles, registries: registries.filter((each) => each.repositories.length > 0) }));
}

export const isRead = ({ action }: CallRecord) => /^(?:Get|List|Describe)/.test(action);

/** The calls that an operation made. */
export async function callsOf(emulator: AwsEmulator, operation: () => Promise<unknown>): Promise<CallRecord[]> {
  const before = emulator.calls.length;
  await operation();
  return emulator.calls.slice(before);
}

export const actionsOf = (calls: readonly CallRecord[]) => calls.map(({ service, action }) => `${service}:${action}`);
