import { platform } from "../../../functions/kubernetes/index.ts";
import type { Backend } from "../../contract/suite.ts";
import { startDistribution } from "./distribution.ts";
import { type Login, mountAccounts } from "./files.ts";
import { startGitea } from "./gitea.ts";
import { startTokenGate } from "./token-gate.ts";
import { startTokenServer, type TokenManners, type TokenServer } from "./token-server.ts";

const folders = ["images", "builds"];

function scopesOf(actions: string): string {
  return folders.flatMap((name) => [`repository:${name}:${actions}`, `repository:${name}/*:${actions}`]).join(" ");
}

const login = (username: string): Login => ({ username, password: `password of ${username}` });
export const logins = { account: login("suite"), pullAccount: login("puller"), pushAccount: login("pusher") } as const;

interface Registry {
  readonly url: string;
  readonly host: string;
  stop(): Promise<void>;
}

/** A registry that takes the tokens of a token server, and the three accounts of a binding mounted. */
export async function withTokens(
  startRegistry: (tokens: TokenServer) => Promise<Registry>,
  manners: TokenManners = {},
) {
  const grantees = [
    { ...logins.account, scopes: `${scopesOf("pull,push,delete")} registry:catalog:*` },
    { ...logins.pullAccount, scopes: scopesOf("pull") },
    { ...logins.pushAccount, scopes: scopesOf("pull,push") },
  ];
  const tokens = await startTokenServer(grantees, manners);
  const registry = await startRegistry(tokens);
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

export const startTokenRegistry = (binary: string, options: { readonly deletion?: boolean } = {}) =>
  withTokens((tokens) => startDistribution({ binary, auth: { tokens }, ...options }));

/** Gitea's own tokens open all that their user may: a gate takes those of the token server in their stead. */
const startTokenGitea = () =>
  withTokens(async (tokens) => {
    const gitea = await startGitea({ organizations: folders, readers: [], writers: [logins.account] });
    const gate = await startTokenGate(gitea.url, tokens, logins.account);
    return {
      ...gate,
      async stop() {
        await gate.stop();
        await gitea.stop();
      },
    };
  });

/** @param more fields of both bindings */
export async function backendOf(stack: Awaited<ReturnType<typeof withTokens>>, more: object = {}): Promise<Backend> {
  const [images, builds] = ["images", "builds"].map((prefix) => stack.binding(prefix, more));
  const env = { ALIEN_IMAGES_BINDING: images, ALIEN_BUILDS_BINDING: builds };
  return { platform, env, stop: stack.stop };
}

/** The same as the contract suite wants them. */
export const tokenBackend = async (binary: string): Promise<Backend> => backendOf(await startTokenRegistry(binary));
export const giteaBackend = async (): Promise<Backend> => backendOf(await startTokenGitea());
