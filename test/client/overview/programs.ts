import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const run = promisify(execFile);

export const snippetNames = ["stack", "quick-start", "aws-access", "gcp-access"] as const;
export type SnippetName = (typeof snippetNames)[number];

/** A snippet, as the overview prints it. */
export async function snippet(name: SnippetName): Promise<string> {
  return readFile(new URL(`snippets/${name}.txt`, import.meta.url), "utf8");
}

/** What makes a snippet a program of somebody who imports this package: its import, and what can be seen of it. */
const around: Record<SnippetName, { before: string; after: string }> = {
  stack: { before: 'import * as alien from "@alienplatform/sdk"', after: "export { registry }" },
  "quick-start": {
    before: "",
    after:
      'const hour = await registry.generateCredentials(repo.name, "push-pull", 3600)\nexport { repo, creds, hour }',
  },
  "aws-access": { before: opened(), after: "export { registry }" },
  "gcp-access": { before: opened(), after: "export { registry }" },
};

/** As the quick start opens it. */
function opened(): string {
  return 'import { artifactRegistry } from "@alienplatform/sdk"\nconst registry = await artifactRegistry("images")';
}

export interface Programs {
  /** @throws what the type checker says */
  check(): Promise<void>;
  /** Runs one in a process of its own; answers what it exports, what it prints, or the error that ended it. */
  run(name: SnippetName, env: Readonly<Record<string, string>>): Promise<Outcome>;
  remove(): Promise<void>;
}

export interface Outcome {
  readonly printed: string;
  readonly exported?: Record<string, unknown>;
  readonly error?: unknown;
}

/** A folder with a program per snippet, and this package installed. */
export async function writePrograms(): Promise<Programs> {
  const folder = await mkdtemp(join(tmpdir(), "overview-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules/artifact-registry-functions"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  for (const name of snippetNames) {
    const { before, after } = around[name];
    const source = `${before}\n${await snippet(name)}${after}\n`;
    await writeFile(
      join(folder, `${name}.ts`),
      source.replace(/from "@alienplatform\/sdk"/, 'from "artifact-registry-functions"'),
    );
  }
  const types = { types: ["node"], typeRoots: [join(root, "node_modules/@types")] };
  const config = { extends: join(root, "tsconfig.json"), compilerOptions: types, include: ["*.ts"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  await writeFile(
    join(folder, "run.js"),
    `import { writeFile } from "node:fs/promises";
     const outcome = await import(process.argv[2]).then((exported) => ({ exported: { ...exported } }), (error) => ({ error }));
     await writeFile(process.argv[3], JSON.stringify(outcome));`,
  );
  let runs = 0;
  return {
    async check() {
      await run(join(root, "node_modules/.bin/tsc"), ["-p", folder]).catch(({ stdout }) => {
        throw new Error(stdout);
      });
    },
    async run(name, env) {
      const outcome = join(folder, `outcome-${++runs}.json`);
      const { stdout } = await run(process.execPath, ["run.js", `./${name}.ts`, outcome], { cwd: folder, env });
      return { printed: stdout, ...JSON.parse(await readFile(outcome, "utf8")) };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
