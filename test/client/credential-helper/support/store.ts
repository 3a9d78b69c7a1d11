import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { folder } from "./configure.ts";

/**
 * A `docker-credential-secretservice` on the path: the real protocol around files of this test's folder, each what was
 * stored. Real stores are asked by test/e2e/credential-helper.e2e.ts. `STORE_COPIES`, two paths, lets something happen
 * while the store is asked: the first file is copied over the second.
 */
const program = (home: string) => `#!/bin/sh
PATH=/bin:/usr/bin
cd '${home}/items' || exit 1
input=$(cat)
echo "$1" >> ../actions
[ "$1" = list ] && [ -e ../unreadable ] && { echo '["no names"]'; exit 0; }
[ -e ../broken ] && { echo "locked: $input"; exit 1; }
[ -n "$STORE_COPIES" ] && cp $STORE_COPIES
file() { printf %s "$1" | tr /: __; }
case $1 in
get) cat "$(file "$input")" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
store) printf '%s\\n' "$input" > "$(file "$(printf %s "$input" | sed 's/^{"ServerURL":"\\([^"]*\\)".*/\\1/')")" ;;
erase) rm -f "$(file "$input")" ;;
list)
  set -- *
  [ -e "$1" ] || set --
  for each; do sed 's/^{"ServerURL":\\("[^"]*"\\),"Username":\\("[^"]*"\\).*/\\1:\\2/' "$each"; done | paste -sd, - | sed 's/.*/{&}/'
  ;;
esac
`;

export interface Item {
  readonly ServerURL: string;
  readonly Username: string;
  readonly Secret: string;
}

export interface Store {
  readonly env: { readonly PATH: string };
  /** What is stored, by name. */
  items(): Promise<Readonly<Record<string, Item>>>;
  /** The same without the salt, which has a name of its own. */
  logins(): Promise<Readonly<Record<string, Item>>>;
  put(item: Item): Promise<void>;
  actions(): Promise<string[]>;
  /** From now on it refuses everything, and repeats what it was given. */
  break(): Promise<void>;
  /** From now on its lists are none. */
  breakLists(): Promise<void>;
}

export const saltName = "https://docker-credential-alien.invalid/salt";

export async function systemStore(): Promise<Store> {
  const home = await folder();
  const file = join(home, "docker-credential-secretservice");
  await mkdir(join(home, "items"));
  await writeFile(file, program(home));
  await chmod(file, 0o700);
  const items = async () => {
    const names = await readdir(join(home, "items"));
    const texts = await Promise.all(names.map((name) => readFile(join(home, "items", name), "utf8")));
    return Object.fromEntries(texts.map((text) => JSON.parse(text) as Item).map((item) => [item.ServerURL, item]));
  };
  return {
    env: { PATH: home },
    items,
    logins: async () => {
      const { [saltName]: _, ...rest } = await items();
      return rest;
    },
    put: (item) => writeFile(join(home, "items", item.ServerURL.replaceAll(/[/:]/g, "_")), `${JSON.stringify(item)}\n`),
    actions: async () => (await readFile(join(home, "actions"), "utf8").catch(() => "")).split("\n").slice(0, -1),
    break: () => writeFile(join(home, "broken"), ""),
    breakLists: () => writeFile(join(home, "unreadable"), ""),
  };
}
