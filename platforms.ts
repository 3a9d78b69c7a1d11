import type { Environment, Platform } from "./core/platform.ts";

/**
 * The platforms: which services a binding may name, and the folder that knows them, loaded when it is asked for.
 * Adding one is a folder under `functions/` and a line here.
 */
export const platforms = {
  aws: { services: ["ecr", "ecr-public"], load: async () => (await import("./functions/aws/index.ts")).platform },
  gcp: { services: ["gar"], load: async () => (await import("./functions/gcp/index.ts")).platform },
  azure: { services: ["acr"], load: async () => (await import("./functions/azure/index.ts")).platform },
  kubernetes: {
    services: ["external"],
    load: async () => (await import("./functions/kubernetes/index.ts")).platform,
  },
  local: {
    services: ["local"],
    load: async () => (await import("./functions/local/index.ts")).platform,
    serve: async (env: Environment, command: string) =>
      (await import("./functions/local/index.ts")).serve(env, command),
    rotateKey: async (dataDir: string, options: { now: Date; endAll: boolean }) =>
      (await import("./functions/local/index.ts")).rotateKey(dataDir, options),
    verify: async (...of: Parameters<LocalUpkeep["verify"]>) =>
      (await import("./functions/local/index.ts")).verify(...of),
    collect: async (...of: Parameters<LocalUpkeep["collect"]>) =>
      (await import("./functions/local/index.ts")).collect(...of),
  },
} as const satisfies Record<string, PlatformEntry>;

type LocalUpkeep = Pick<typeof import("./functions/local/index.ts"), "collect" | "verify">;

export type PlatformName = keyof typeof platforms;

interface PlatformEntry {
  readonly services: readonly string[];
  load(): Promise<Platform>;
  /** Where the platform is a server of one's own machine: starts it in this process. */
  serve?(env: Environment, command: string): Promise<boolean>;
  /** Where the platform's own key signs credentials: makes a new one. @returns when those of the old one have ended */
  rotateKey?(dataDir: string, options: { now: Date; endAll: boolean }): Promise<Date>;
  /** Where the platform keeps the images itself: reads all of them, and sets aside what is damaged. */
  verify?: LocalUpkeep["verify"];
  /** The same: removes untagged images, and blobs that no image needs. */
  collect?: LocalUpkeep["collect"];
}
