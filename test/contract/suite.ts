import { afterAll, beforeAll, describe } from "vitest";
import type { Environment, Platform } from "../../core/platform.ts";
import { createClient, type OciClient } from "../../oci/client/index.ts";
import { alsoPullTests } from "./also-pull.ts";
import { auditTests } from "./audit.ts";
import { contentTests } from "./content.ts";
import { credentialTests } from "./credentials.ts";
import { errorTests } from "./errors.ts";
import { type Golden, golden, type PlatformName } from "./golden.ts";
import { type Suite, startSuite } from "./harness.ts";
import { lifecycleTests } from "./lifecycle.ts";
import { nameTests } from "./names.ts";
import { registryTests } from "./registry.ts";
import { ruleTests } from "./rules.ts";
import { serviceTests } from "./service.ts";

/** A platform as the suite meets it: real sockets all the way down. */
export interface ContractPlatform {
  readonly name: PlatformName;
  /** Which registry stands behind it, where there are several. */
  readonly behind?: string;
  /** What that registry does otherwise than the platform's others. */
  readonly differs?: Partial<Golden>;
  /** Starts whatever stands behind the adapter. */
  start(): Promise<Backend>;
}

export interface Backend {
  readonly platform: Platform;
  /** Binds at least the registries `images` and `builds`. */
  readonly env: Environment;
  /** Where the registry is reached, if its endpoint's host is not to be had here. */
  dataPlane?(endpoint: string): string;
  /** What rules, refusals and the audit log call a repository, where it is not the name in answers. */
  ruleName?(name: string): string;
  /** The cloud's own name of a repository, such as its ARN, if it has one. */
  resource?(name: string): string;
  /** Turns the backend's clock. Needed where callers choose how long a credential lives. */
  advance?(milliseconds: number): void;
  stop(): Promise<void>;
}

/** What each test has at hand. */
export interface Subject {
  readonly suite: Suite;
  /** Two registries of the same platform. */
  readonly registry: "images";
  readonly otherRegistry: "builds";
  /** A logical name that no other test uses. */
  fresh(stem?: string): string;
  /** The cloud's own name of a repository, if it has one. */
  resource?(name: string): string;
  /** What rules, refusals and the audit log call a repository. */
  ruleName(name: string): string;
  /** Waits until the moment has come, or turns the clock to it. */
  reach(moment: Date): void;
  /** A client of the registry itself, with what generateCredentials answered. */
  client(credentials: { authMethod: "basic" | "bearer"; username: string; password: string }): Promise<OciClient>;
  /**
   * The tags of a repository, without the suite's own; none where it comes into being by its first push, and nobody has pushed
   * yet.
   */
  tags(client: OciClient, name: string): Promise<string[]>;
}

/** Everything that an adapter must pass, whatever stands behind it. */
export function contractSuite({ name, behind, differs, start }: ContractPlatform): void {
  const facts: Golden = { ...golden[name], ...differs };
  describe(`contract: ${name}${behind === undefined ? "" : ` (${behind})`}`, () => {
    let backend: Backend | undefined;
    let subject: Subject | undefined;
    const current = (): Subject => {
      if (!subject) throw new Error("The platform has not started.");
      return subject;
    };

    beforeAll(async () => {
      backend = await start();
      let count = 0;
      const {
        platform,
        env,
        dataPlane = (endpoint) => endpoint,
        ruleName = (name: string) => name,
        resource,
        advance,
      } = backend;
      const suite = await startSuite(platform, env, ["images", "builds"]);
      const endpoint = async () => {
        const { registryEndpoint } = await suite.ok("describeRegistry", { registry: "images" });
        return dataPlane(registryEndpoint);
      };
      subject = {
        suite,
        registry: "images",
        otherRegistry: "builds",
        fresh: (stem = "app") => `${stem}-${++count}`,
        ...(resource && { resource }),
        ruleName,
        reach(moment) {
          if (advance === undefined) throw new Error("The clock of this backend cannot be turned.");
          advance(Math.max(0, moment.getTime() - Date.now()));
        },
        async tags(client, repository) {
          const { pushCreates, ownTag } = facts;
          const all = await client.tags(repository).catch((error: { status?: number }) => {
            if (pushCreates && error.status === 404) return [];
            throw error;
          });
          return all.filter((tag) => tag !== ownTag);
        },
        client: async ({ authMethod, username, password }) => {
          const credentials = authMethod === "bearer" ? { bearer: password } : { username, password };
          return createClient({ url: await endpoint(), credentials });
        },
      };
    });

    afterAll(async () => {
      await subject?.suite.stop();
      await backend?.stop();
    });

    serviceTests(current);
    registryTests(current, facts);
    nameTests(current, facts);
    lifecycleTests(current, facts);
    contentTests(current, facts);
    // Before the credentials' tests, which turn the backend's clock away from ours.
    ruleTests(current, facts);
    auditTests(current, name);
    credentialTests(current, facts);
    alsoPullTests(current, facts);
    errorTests(current);
  });
}
