import type { BuildOptions } from "esbuild";

/** What every bundle is made with. */
export const common = {
  bundle: true,
  platform: "node",
  target: "node22",
  // Without it esbuild takes the larger CommonJS builds of the SDKs.
  mainFields: ["module", "main"],
  minify: true,
  legalComments: "linked",
  logLevel: "warning",
} as const satisfies BuildOptions;
