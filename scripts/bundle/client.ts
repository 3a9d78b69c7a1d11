import { execFile } from "node:child_process";
import { chmod, copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { build, type Plugin } from "esbuild";
import { common } from "./function.ts";

const run = promisify(execFile);

/** Where each peer is needed; none is for a caller with a bearer token. */
const peers = [
  "@aws-sdk/client-dynamodb",
  "@aws-sdk/client-ecr",
  "@aws-sdk/client-ecr-public",
  "@aws-sdk/client-iam",
  "@aws-sdk/client-sts",
  "@aws-sdk/credential-provider-node",
  "@azure/arm-authorization",
  "@azure/arm-containerregistry",
  "@azure/container-registry",
  "@azure/identity",
  "@google-cloud/artifact-registry",
  "@grpc/grpc-js",
  "@smithy/core",
  "@smithy/signature-v4",
  "google-auth-library",
];

/** What the package puts on the path, each a file of its name. */
const commands: Readonly<Record<string, string>> = {
  "alien-registry": "client/cli/main.ts",
  "docker-credential-alien": "client/credential-helper/main.ts",
};

/** What is imported where it is needed, with short declarations: those of `direct` would bring every adapter's. */
const parts: Readonly<Record<string, string>> = {
  direct: `import type { DirectModule } from "./connection.ts";
export declare const connectDirectly: DirectModule["connectDirectly"];
`,
  fetch: `import type { FetchModule } from "./connection.ts";
export declare const createFetch: FetchModule["createFetch"];
`,
};

/** Not bundled, but a file of its own beside the chunks, where a comment in it survives. */
const unbundled: Plugin = {
  name: "unbundled",
  setup({ onResolve }) {
    onResolve({ filter: /\/unbundled\.ts$/ }, () => ({ path: "./unbundled.js", external: true, sideEffects: false }));
  },
};

/** The package that programs install: the client, and in chunks of their own what few of them need. */
export async function bundleClient(outdir = "dist/client"): Promise<void> {
  await rm(outdir, { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: { index: "client/index.ts", direct: "client/direct.ts", fetch: "client/fetch.ts", ...commands },
    outdir,
    // Each import repeats the name.
    chunkNames: "chunks/[hash]",
    format: "esm",
    splitting: true,
    sourcemap: true,
    external: peers,
    plugins: [unbundled],
  });
  await build({
    entryPoints: ["client/unbundled.ts"],
    outdir: `${outdir}/chunks`,
    format: "esm",
    target: common.target,
  });
  // npm does the same when it installs; who takes the folder as it is gets commands too.
  await Promise.all(Object.keys(commands).map((name) => chmod(`${outdir}/${name}.js`, 0o755)));
  await run(process.execPath, [
    "node_modules/typescript/bin/tsc",
    "-p",
    "tsconfig.client.json",
    "--outDir",
    `${outdir}/types`,
  ]);
  for (const [name, types] of Object.entries(parts)) await writeFile(`${outdir}/types/client/${name}.d.ts`, types);
  await writeFile(`${outdir}/package.json`, `${JSON.stringify(await manifest(), undefined, 2)}\n`);
  await copyFile("LICENSE", `${outdir}/LICENSE`);
  await writeFile(`${outdir}/README.md`, readme(await readFile("docs/client.md", "utf8")));
}

/** The client's page, without what leads to other pages or tells its tests what to do. */
function readme(page: string): string {
  return page.replaceAll(/<!--.*?-->\n/g, "").replaceAll(/\[([^\]]+)\]\((?!https?:|#)[^)]*\)/g, "$1");
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: Record<string, string>;
  readonly dependencies: Record<string, string>;
}

async function manifest(): Promise<object> {
  const { name, version, license, engines, dependencies } = JSON.parse(
    await readFile("package.json", "utf8"),
  ) as Manifest;
  const versions = peers.map((peer) => {
    const range = dependencies[peer];
    if (range === undefined) throw new Error(`The package ${peer} is not among our own dependencies.`);
    return [peer, range] as const;
  });
  return {
    name,
    version,
    description:
      "Client of the artifact-registry functions: repositories, short-lived credentials, cross-account pulls.",
    license,
    type: "module",
    sideEffects: false,
    engines,
    bin: Object.fromEntries(Object.keys(commands).map((name) => [name, `./${name}.js`])),
    exports: {
      ".": { types: "./types/client/index.d.ts", default: "./index.js" },
      ...Object.fromEntries(
        Object.keys(parts).map((name) => [
          `./${name}`,
          { types: `./types/client/${name}.d.ts`, default: `./${name}.js` },
        ]),
      ),
      "./package.json": "./package.json",
    },
    peerDependencies: Object.fromEntries(versions),
    peerDependenciesMeta: Object.fromEntries(peers.map((peer) => [peer, { optional: true }])),
  };
}
