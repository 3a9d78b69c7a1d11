import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { folder } from "./configure.ts";

/**
 * A `docker-credential-secretservice` on the path: the real protocol around a file of this test's folder. Real stores are
 * asked by test/e2e/credential-helper.e2e.ts.
 */
const program = (state: string) => `#!${process.execPath}
const { existsSync, readFileSync, writeFileSync, appendFileSync } = require("node:fs");
const state = ${JSON.stringify(state)};
const action = process.argv[2];
const input = readFileSync(0, "utf8");
appendFileSync(state + ".actions", action + "\\n");
if (existsSync(state + ".broken")) { console.log("locked: " + input); process.exit(1); }
const items = existsSync(state) ? JSON.parse(readFileSync(state, "utf8")) : {};
if (action === "get") {
  if (!(input in items)) { console.log("credentials not found in native keychain"); process.exit(1); }
  console.log(JSON.stringify(items[input]));
} else {
  if (action === "store") items[JSON.parse(input).ServerURL] = JSON.parse(input);
  else delete items[input];
  writeFileSync(state, JSON.stringify(items));
}
`;

export interface Store {
  readonly env: { PATH: string };
  items(): Promise<Record<string, { Username: string; Secret: string }>>;
  put(items: object): Promise<void>;
  actions(): Promise<string[]>;
  /** From now on it refuses everything, and repeats what it was given. */
  break(): Promise<void>;
}

export async function systemStore(): Promise<Store> {
  const home = await folder();
  const state = join(home, "items.json");
  const file = join(home, "docker-credential-secretservice");
  await writeFile(file, program(state));
  await chmod(file, 0o700);
  const read = (name: string) => readFile(name, "utf8").catch(() => "");
  return {
    env: { PATH: home },
    items: async () => JSON.parse((await read(state)) || "{}"),
    put: (items) => writeFile(state, JSON.stringify(items)),
    actions: async () => (await read(`${state}.actions`)).split("\n").slice(0, -1),
    break: () => writeFile(`${state}.broken`, ""),
  };
}
