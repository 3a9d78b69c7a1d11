import { startStack as startAws } from "../../aws/support/stack.ts";
import { startStack as startAzure } from "../../azure/support/stack.ts";
import { startStack as startGcp } from "../../gcp/support/stack.ts";
import { mountAccounts } from "../../kubernetes/support/files.ts";
import { startOurRegistry } from "../../kubernetes/support/our-registry.ts";
import type { Suite } from "../server.ts";

/** A platform that the helper runs an adapter of, under an identity of that platform. */
export interface Place {
  /** The registry's own binding. */
  readonly binding: object;
  /** The environment of the helper, anew: identities end too. */
  env(): Record<string, string>;
  /** Points the SDKs of this process there. */
  useInThisProcess(): void;
  /** Where an image's URI is reached; the real host is not to be had here. */
  reach(uri: string): string;
  /** Moves the clock past the end of every credential. Static accounts have none; on the local platform time is waited for. */
  expire?(): void;
  stop(): Promise<void>;
}

const hours = 3_600_000;

export async function onAws(): Promise<Place> {
  const stack = await startAws();
  return {
    binding: JSON.parse(stack.binding("images")),
    env: () => stack.env(),
    useInThisProcess: () => stack.useInThisProcess(),
    reach: (uri) => stack.emulator.reach(uri),
    expire: () => stack.emulator.advance(13 * hours),
    stop: () => stack.stop(),
  };
}

export async function onGcp(): Promise<Place> {
  const stack = await startGcp();
  return {
    binding: JSON.parse(stack.binding("images")),
    env: () => stack.env(),
    useInThisProcess: () => stack.useInThisProcess(),
    reach: (uri) => stack.gcp.reach(uri),
    expire: () => stack.gcp.advance(2 * hours),
    stop: () => stack.stop(),
  };
}

export async function onAzure(): Promise<Place> {
  const stack = await startAzure();
  return {
    binding: JSON.parse(stack.binding("images")),
    env: () => stack.env(),
    useInThisProcess: () => stack.useInThisProcess(),
    reach: (uri) => stack.azure.reach(uri),
    expire: () => stack.azure.advance(4 * hours),
    stop: () => stack.stop(),
  };
}

/** An external registry, with static accounts: helpers can give no bearer. */
export async function onKubernetes(staticCredentials = true): Promise<Place> {
  const registry = await startOurRegistry(["images"]);
  const accounts = await mountAccounts({
    account: registry.account(["pull", "push", "delete"]),
    pullAccount: registry.account(["pull"]),
    pushAccount: registry.account(["pull", "push"]),
  });
  return {
    binding: {
      service: "external",
      registryUrl: registry.url,
      repositoryPrefix: "images",
      staticCredentials,
      ...accounts.files,
    },
    env: () => ({}),
    useInThisProcess: () => {},
    reach: () => registry.url,
    async stop() {
      await registry.stop();
      await accounts.remove();
    },
  };
}

/** The local platform's registry, whose key the helper reads from the data folder: no function is asked. */
export function onLocal(suite: Suite): Place {
  return {
    binding: { service: "local", registryUrl: `http://${suite.registry}`, dataDir: suite.dataDir },
    env: () => ({}),
    useInThisProcess: () => {},
    reach: () => `http://${suite.registry}`,
    stop: () => suite.stop(),
  };
}
