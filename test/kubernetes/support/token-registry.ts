import { platform } from "../../../functions/kubernetes/index.ts";
import type { Backend } from "../../contract/suite.ts";
import { startDistribution } from "./distribution.ts";
import { type Login, mountAccounts } from "./files.ts";
import { startTokenServer } from "./token-server.ts";

const folders = ["images", "builds"];

function scopesOf(actions: string): string {
  return folders.flatMap((name) => [`repository:${name}:${actions}`, `repository:${name}/*:${actions}`]).join(" ");
}

const login = (username: string): Login => ({ username, password: `password of ${username}` });
export const logins = { account: login("suite"), pullAccount: login("puller"), pushAccount: login("pusher") } as const;

/** Distribution with a token server of its own, and the three accounts of a binding mounted. */
export async function startTokenRegistry(binary: string, options: { readonly deletion?: boolean } = {}) {
  const tokens = await startTokenServer([
    { ...logins.account, scopes: scopesOf("pull,push,delete") },
    { ...logins.pullAccount, scopes: scopesOf("pull") },
    { ...logins.pushAccount, scopes: scopesOf("pull,push") },
  ]);
  const registry = await startDistribution({ binary, auth: { tokens }, ...options });
  const accounts = await mountAccounts(logins);
  const binding = (repositoryPrefix: string, more: object = {}) =>
    JSON.stringify({ service: "external", registryUrl: registry.url, repositoryPrefix, ...accounts.files, ...more });
  return {
    tokens,
    registry,
    accounts,
    binding,
    async stop() {
      await registry.stop();
      await tokens.stop();
      await accounts.remove();
    },
  };
}

/** The same as the contract suite wants it. */
export async function tokenBackend(binary: string): Promise<Backend> {
  const { binding, stop } = await startTokenRegistry(binary);
  return { platform, env: { ALIEN_IMAGES_BINDING: binding("images"), ALIEN_BUILDS_BINDING: binding("builds") }, stop };
}
