import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { isOperationName, operations } from "../../core/operations.ts";
import { type Block, commandsOf } from "./blocks.ts";
import { parseDiagram } from "./diagrams.ts";
import { filesOf, root } from "./pages.ts";
import { openWorkspace } from "./workspace.ts";

const run = promisify(execFile);

/** What every block of a language must hold, executed or not. TypeScript is checked for all blocks at once, by `tsc`. */
export const languages: Readonly<Record<string, (block: Block) => void | Promise<void>>> = {
  sh: ({ text }) => checkShell(text),
  console: ({ text }) =>
    checkShell(
      commandsOf(text)
        .map((command) => command.text)
        .join("\n"),
    ),
  json: ({ text }) => void JSON.parse(text),
  yaml({ text }) {
    for (const document of parseAllDocuments(text)) if (document.errors[0]) throw document.errors[0];
  },
  hcl: ({ text }) => findInInfra(text),
  ts: () => {},
  // Compiled and run by the tests of what they belong to.
  rust: () => {},
  toml: () => {},
  mermaid: ({ text }) => void parseDiagram(text),
  text: () => {},
};

async function checkShell(text: string): Promise<void> {
  checkPayloads(text);
  const checking = run("bash", ["-n"]);
  checking.child.stdin?.end(text);
  await checking.catch(({ stderr }) => {
    throw new Error(stderr);
  });
}

/** What a command sends to an operation, told by its path, by the name before it or by the payload itself, is its input. */
function checkPayloads(text: string): void {
  for (const [, name = "", json = ""] of text.matchAll(/\b([a-z]+[A-Z][A-Za-z]+)\b(?:[^'\n]|\\\n)*'(\{"[^']*\})'/g)) {
    if (isOperationName(name)) operations[name].parse(JSON.parse(json));
  }
  for (const [, json = ""] of text.matchAll(/'(\{"operation":[^']*\})'/g)) {
    const { operation, ...input } = JSON.parse(json);
    if (!isOperationName(operation)) throw new Error(`"${operation}" is no operation.`);
    operations[operation].parse(input);
  }
}

/** Where Terraform's own checks see it: part of an example or a module, but for the spaces. */
async function findInInfra(text: string): Promise<void> {
  const plain = (source: string) => source.replace(/\s+/g, " ").trim();
  for (const path of await filesOf("infra/**/*.tf")) {
    if (plain(await readFile(join(root, path), "utf8")).includes(plain(text))) return;
  }
  throw new Error("no file of infra/ has it: print a part of an example.");
}

/** @throws what the type checker says, by page and line */
export async function checkTypes(blocks: readonly Block[]): Promise<void> {
  const workspace = await openWorkspace();
  try {
    // As deep as a platform's folder, which is where a page may put a file.
    await mkdir(join(workspace.folder, "page/blocks"), { recursive: true });
    const names = new Map(blocks.map((block, index) => [`page/blocks/block-${index}.ts`, block]));
    for (const [name, { text }] of names) await writeFile(join(workspace.folder, name), `${text}export {};\n`);
    // What a reader does with a value is not shown.
    const compilerOptions = { noUnusedLocals: false };
    const config = { extends: join(root, "tsconfig.json"), compilerOptions, include: [...names.keys()] };
    await writeFile(join(workspace.folder, "tsconfig.json"), JSON.stringify(config));
    await run(join(root, "node_modules/.bin/tsc"), ["-p", "."], { cwd: workspace.folder }).catch(({ stdout }) => {
      const where = (name: string) => `${names.get(name)?.page} (block of line ${names.get(name)?.line}) `;
      throw new Error(String(stdout).replace(/page\/blocks\/block-\d+\.ts/g, where));
    });
  } finally {
    await workspace.remove();
  }
}
