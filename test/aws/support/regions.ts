import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const sdk = dirname(createRequire(import.meta.url).resolve("@aws-sdk/core/package.json"));
const table = readFileSync(join(sdk, "dist-es/submodules/client/util-endpoints/lib/aws/partitions.js"), "utf8");

/** Every region that the AWS SDK's own table of partitions names. */
export const sdkRegions: readonly string[] = [...table.matchAll(/"([a-z]{2,4}(?:-[a-z]+)+-\d)": \{/g)].map(
  ([, region = ""]) => region,
);
