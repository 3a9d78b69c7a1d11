import type { Platform } from "./core/platform.ts";

/** The platforms, each loaded when it is named. Adding one is a folder under `functions/` and a line here. */
export const platforms = {
  aws: async () => (await import("./functions/aws/index.ts")).platform,
  gcp: async () => (await import("./functions/gcp/index.ts")).platform,
  local: async () => (await import("./functions/local/index.ts")).platform,
} as const satisfies Record<string, () => Promise<Platform>>;

export type PlatformName = keyof typeof platforms;
