import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveRegistry } from "../../../oci/registry/index.ts";
import { loadTokenKey, mintToken } from "../../../oci/token/index.ts";
import type { Login } from "./files.ts";

/** Our own registry as somebody else's: accounts are tokens of its own, for everything below some folders. */
export async function startOurRegistry(folders: readonly string[]) {
  const dataDir = await mkdtemp(join(tmpdir(), "external-ours-"));
  const key = await loadTokenKey(join(dataDir, "token.key"));
  const registry = await serveRegistry({ dataDir, key, host: "127.0.0.1", port: 0 });
  /** An account that may do these actions, by the repository or by the folder with `/*` behind it, and read the catalogue. */
  const accountFor = (
    rights: Readonly<Record<string, readonly string[]>>,
    seconds = 3_600,
    catalog = false,
  ): Login => ({
    username: "token",
    password: mintToken(key, {
      subject: "operator",
      audience: "registry",
      access: [
        ...Object.entries(rights).map(([name, actions]) => ({ type: "repository" as const, name, actions })),
        ...(catalog ? [{ type: "registry" as const, name: "catalog", actions: ["*"] }] : []),
      ],
      expiresAt: new Date(Date.now() + seconds * 1_000),
    }),
  });
  /** The same for all folders. Who may delete may read the catalogue too. */
  const account = (actions: readonly string[], seconds?: number): Login =>
    accountFor(
      Object.fromEntries(folders.flatMap((folder) => [folder, `${folder}/*`]).map((name) => [name, actions])),
      seconds,
      actions.includes("delete"),
    );
  return {
    url: registry.url,
    account,
    accountFor,
    async stop() {
      await registry.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
