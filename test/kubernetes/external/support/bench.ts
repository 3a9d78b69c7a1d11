import { platform } from "../../../../functions/kubernetes/index.ts";
import { createClient, type OciClient } from "../../../../oci/client/index.ts";
import { openSuite, type TestSuite } from "../../../support/suite.ts";
import { mountAccounts } from "../../support/files.ts";
import { startOurRegistry } from "../../support/our-registry.ts";
import { type Front, startFront } from "./front.ts";

/** Milliseconds for one step, in a suite that must find out that no answer comes. */
const upstreamTimeoutMs = 400;

/** One repository of the registry behind a front of its own. */
export interface Slot {
  readonly front: Front;
  /** The logical name, and the routable one. */
  readonly logical: string;
  readonly name: string;
  /** The registry's own client, past the front. */
  readonly client: OciClient;
  /** A suite that knows nothing yet: no token, no credential. */
  suite(more?: object, patience?: "patient" | "impatient"): TestSuite;
  stop(): Promise<void>;
}

export interface Bench {
  readonly registry: Awaited<ReturnType<typeof startOurRegistry>>;
  readonly accounts: Awaited<ReturnType<typeof mountAccounts<"account" | "pullAccount" | "pushAccount">>>;
  slot(): Promise<Slot>;
  stop(): Promise<void>;
}

/** Our own registry as somebody else's, behind fronts that misbehave when told. */
export async function startBench(): Promise<Bench> {
  const registry = await startOurRegistry(["images"]);
  const accounts = await mountAccounts({
    account: registry.account(["pull", "push", "delete"]),
    pullAccount: registry.account(["pull"]),
    pushAccount: registry.account(["pull", "push"]),
  });
  const owner = registry.account(["pull", "push", "delete"]);
  const fronts: Front[] = [];
  let count = 0;
  return {
    registry,
    accounts,
    async slot() {
      const front = await startFront(registry.url);
      fronts.push(front);
      const logical = `app-${++count}`;
      const binding = { service: "external", registryUrl: front.url, repositoryPrefix: "images", ...accounts.files };
      return {
        front,
        logical,
        name: `images/${logical}`,
        client: createClient({ url: registry.url, credentials: owner }),
        suite: (more = {}, patience = "patient") =>
          openSuite(
            platform,
            { ALIEN_IMAGES_BINDING: JSON.stringify({ ...binding, ...more }) },
            patience === "impatient" ? { upstreamTimeoutMs } : {},
          ),
        stop: () => front.stop(),
      };
    },
    async stop() {
      for (const front of fronts) await front.stop();
      await registry.stop();
      await accounts.remove();
    },
  };
}
