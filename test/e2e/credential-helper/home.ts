import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What the helper gives a host's clients. */
export interface Account {
  readonly registry: string;
  readonly repository: string;
  readonly permissions?: "pull" | "push-pull";
  readonly ttlSeconds?: number;
  readonly binding: object;
}

/**
 * A Docker configuration that names the helper for one host, and the helper's own beside it. There is no password in it.
 *
 * @returns the environment under which every client finds both
 */
export async function dockerConfig(folder: string, host: string, account: Account, cache?: string) {
  await mkdir(folder, { recursive: true });
  const config = join(folder, "config.json");
  await writeFile(config, JSON.stringify({ credHelpers: { [host]: "alien" } }));
  const helper = { ...(cache !== undefined && { cache }), registries: { [host]: account } };
  await writeFile(join(folder, "docker-credential-alien.json"), JSON.stringify(helper));
  // Docker and crane read the first, Podman and its kin the second.
  return { DOCKER_CONFIG: folder, REGISTRY_AUTH_FILE: config };
}

/** Files below these folders that hold one of these words, by itself or inside of Docker's base64 of `user:password`. */
export async function filesWith(folders: readonly string[], words: readonly string[]): Promise<string[]> {
  const needles = words.flatMap((word) => [word, ...shifted(word)]);
  const found: string[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const content = await readFile(file, "latin1");
      if (needles.some((needle) => content.includes(needle))) found.push(file);
    }
  }
  return found;
}

/** The base64 of a word at each of the three places where it may begin; what its neighbours change is cut off. */
function shifted(word: string): string[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.from(" ".repeat(offset) + word).toString("base64");
    return text.slice(4, -4);
  });
}
