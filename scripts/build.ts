/**
 * Bundles the platforms, the client and the OpenAPI document: `node scripts/build.ts [name …]`, all of them without a name.
 * One bundle per platform, so that none knows of another's SDK. `kubelet` is built only where it is named, since it needs Go.
 */
import { join } from "node:path";
import { bundleAzure } from "./bundle/azure.ts";
import { bundleClient } from "./bundle/client.ts";
import { bundleFunction } from "./bundle/function.ts";
import { bundleGcp } from "./bundle/gcp.ts";
import { buildKubeletProvider } from "./bundle/kubelet.ts";
import { selfContained } from "./bundle/self-contained.ts";
import { bundleKubernetes, bundleLocal } from "./bundle/servers.ts";
import { writeOpenApi } from "./openapi.ts";

// From wherever it is called, it bundles the clone that it is in.
process.chdir(join(import.meta.dirname, ".."));

const platforms: Readonly<Record<string, () => Promise<void>>> = {
  // What is zipped for Lambda: the handler is `index.handler`.
  aws: () =>
    bundleFunction({
      outdir: "dist/aws",
      entryPoint: "functions/aws/handler.ts",
      packageJson: { type: "commonjs" },
      options: { plugins: [selfContained(["@smithy/signature-v4"])] },
    }),
  azure: bundleAzure,
  client: () => bundleClient(),
  gcp: bundleGcp,
  kubernetes: bundleKubernetes,
  local: bundleLocal,
  openapi: () => writeOpenApi(),
};

const withOtherTools: Readonly<Record<string, () => Promise<void>>> = { kubelet: () => buildKubeletProvider() };

const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : Object.keys(platforms)) {
  const bundle = platforms[name] ?? withOtherTools[name];
  if (!bundle) throw new Error(`There is no platform "${name}".`);
  await bundle();
}
