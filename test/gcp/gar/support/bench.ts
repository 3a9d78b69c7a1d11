import { platform } from "../../../../functions/gcp/index.ts";
import { packageAt } from "../../../emulators/gcp/artifact-registry/repository.ts";
import { Wire } from "../../../emulators/gcp/grpc/wire.ts";
import type { Binding, CallRecord } from "../../../emulators/gcp/index.ts";
import { type Limits, openSuite, type TestSuite } from "../../../support/suite.ts";
import { type GcpStack, startStack } from "../../support/stack.ts";

/**
 * How patient a suite is. `quick` has the core's own limits, `brief` little time for an operation, `impatient` and `hasty`
 * little for a request too: so little, for `hasty`, that a loaded machine may miss it.
 */
export type Patience = "quick" | "brief" | "impatient" | "hasty";
/** `unbound` has no accounts to mint for, `derived` no binding at all. */
export type Variant = "plain" | "unbound" | "derived";

/** Milliseconds after which an impatient suite gives a request up. */
export const upstreamTimeoutMs = 1_500;
const limits: Readonly<Record<Patience, Limits>> = {
  quick: {},
  brief: { operationTimeoutMs: 6_000 },
  impatient: { upstreamTimeoutMs, operationTimeoutMs: 8_000 },
  hasty: { upstreamTimeoutMs: 300, operationTimeoutMs: 4_000 },
};

/** By how much Google's clock is behind here: an hour is always too long. */
const clockSkewSeconds = 120;

/** A project in which operations run over and over, each on a registry of its own. */
export interface Bench {
  readonly stack: GcpStack;
  slot(number: number): Slot;
  stop(): Promise<void>;
}

/** A registry of its own, since grants are the whole registry's. */
export interface Slot {
  readonly logical: string;
  /** The repository's name in the API. */
  readonly resource: string;
  /** The variables that bind it, for another process. */
  readonly env: Readonly<Record<string, string>>;
  /** Opens a suite as a process that has just started. */
  open(patience: Patience, variant?: Variant): TestSuite;
  /** A suite that has run before, so that it holds its own token. */
  warm(patience: Patience, variant?: Variant): Promise<TestSuite>;
  /** As it was provisioned, with bindings of others, without images. */
  clear(): void;
  /** Adds members to the unconditional binding of a role, past every check. */
  addMembers(role: string, ...members: readonly string[]): void;
  /** Makes an image path exist, with an image of so many tags, by default 2. It may be in an index. */
  push(path: string, tags?: number, index?: "index"): void;
  /** Whether a call is about this registry or its accounts; those of the metadata server tell of none. */
  isAbout(call: CallRecord): boolean;
}

/** The image that is in each image path. */
export const imageDigest = `sha256:${"4".repeat(64)}`;
const indexDigest = `sha256:${"5".repeat(64)}`;
const mediaType = "application/vnd.oci.image.manifest.v1+json";

export const reader = "roles/artifactregistry.reader";
/** As the API writes it, so that writing it again changes nothing. */
const condition = {
  expression: "resource.matchTag('vendor/env', 'prod')",
  title: "production",
  description: "",
  location: "",
};
/** What others wrote, in the binding of ours too: no operation may touch it. */
export const theirs = {
  bindings: [
    { role: reader, members: ["user:ops@example.com"], condition },
    { role: "roles/artifactregistry.repoAdmin", members: ["user:ops@example.com"] },
  ],
  member: "group:auditors@example.com",
  audit: [{ service: "allServices", auditLogConfigs: [{ logType: "DATA_READ", exemptedMembers: [] }] }],
} as const;

/** @param slots how many registries there are */
export async function startBench(slots: number): Promise<Bench> {
  const ids = Array.from({ length: slots }, (_, index) => `s${index + 1}-images`);
  const stack = await startStack({ repositories: ids, behaviour: { clockSkewSeconds } });
  stack.useInThisProcess();
  // Clients in one process share a connection to one address: broken for one, it would be broken for all.
  const wires = await Promise.all(ids.map(() => Wire.open(stack.gcp.grpc.port)));
  const made = ids.map((id, index) => slotOf(stack, id, `http://127.0.0.1:${wires[index]?.port}`));
  return {
    stack,
    slot(number) {
      const found = made[number - 1];
      if (found === undefined) throw new Error(`There is no slot ${number}.`);
      return found;
    },
    async stop() {
      await stack.stop();
      await Promise.all(wires.map((wire) => wire.close()));
    },
  };
}

function slotOf(stack: GcpStack, id: string, endpoint: string): Slot {
  const { gcp } = stack;
  const { world } = gcp;
  const resource = stack.repository(id);
  const provisioned = gcp.policy(resource).bindings;
  const mentioned = new RegExp(`[/"]${id}(?:-(?:pull|push)@|["/%:])`);
  const warmed = new Map<string, Promise<TestSuite>>();
  const repository = () => {
    const found = world.repositories.get(resource);
    if (found === undefined) throw new Error(`${resource} is gone.`);
    return found;
  };
  const bound: Readonly<Record<Variant, Record<string, string>>> = {
    plain: { ALIEN_IMAGES_BINDING: stack.binding(id) },
    unbound: {
      ALIEN_IMAGES_BINDING: stack.binding(id, {
        pullServiceAccountEmail: undefined,
        pushServiceAccountEmail: undefined,
      }),
    },
    derived: {
      ALIEN_STACK_PREFIX: id.replace("-images", ""),
      GOOGLE_CLOUD_PROJECT: stack.project,
      GOOGLE_CLOUD_LOCATION: stack.location,
    },
  };
  const open = (patience: Patience, variant: Variant = "plain") =>
    openSuite(
      platform,
      { ...stack.env(), K_SERVICE: "artifact-registry", ALIEN_GAR_ENDPOINT: endpoint, ...bound[variant] },
      limits[patience],
    );
  const addMembers = (role: string, ...members: readonly string[]) => {
    const { bindings, auditConfigs } = gcp.policy(resource);
    const isMeant = (binding: Binding) => binding.role === role && binding.condition === undefined;
    const more = bindings.map((each) => (isMeant(each) ? { ...each, members: [...each.members, ...members] } : each));
    gcp.setPolicy(resource, more, auditConfigs);
  };
  return {
    logical: "my-app",
    resource,
    env: { ALIEN_GAR_ENDPOINT: endpoint, ...bound.plain },
    open,
    warm(patience, variant = "plain") {
      const key = `${patience} ${variant}`;
      const start = async () => {
        const suite = open(patience, variant);
        const { status, text } = await suite.ask("getCrossAccountAccess", { repoId: "my-app" });
        if (status !== 200) throw new Error(`A suite could not be opened: ${text}`);
        return suite;
      };
      const found = warmed.get(key) ?? start();
      warmed.set(key, found);
      return found;
    },
    clear() {
      gcp.setPolicy(resource, [...theirs.bindings, ...provisioned], theirs.audit);
      addMembers(reader, theirs.member);
      repository().packages.clear();
    },
    addMembers,
    push(path, count = 2, index) {
      const now = world.clock();
      const { versions, tags } = packageAt(repository(), path, now);
      const about = {
        digest: imageDigest,
        mediaType,
        sizeBytes: 1_000,
        children: [],
        createTime: now,
        updateTime: now,
      };
      versions.set(imageDigest, about);
      if (index) {
        const mediaType = "application/vnd.oci.image.index.v1+json";
        versions.set(indexDigest, { ...about, digest: indexDigest, mediaType, children: [imageDigest] });
      }
      for (let n = 1; n <= count; n++) tags.set(`tag-${n}`, imageDigest);
    },
    isAbout: ({ input }) =>
      mentioned.test(JSON.stringify(input)) || world.operationTargets.get(String(input.name)) === resource,
  };
}
