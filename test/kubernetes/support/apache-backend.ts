import { platform } from "../../../functions/kubernetes/index.ts";
import type { Backend } from "../../contract/suite.ts";
import { startApache } from "./apache.ts";
import { type Login, mountAccounts } from "./files.ts";

const folders = ["images", "builds"];
const login = (username: string): Login => ({ username, password: `password of ${username}` });
const owner = login("suite");

export interface Accounts {
  readonly folders: readonly string[];
  /** One for each folder. */
  readonly pullers: readonly Login[];
  /** One for each folder, and the one that may do everything. */
  readonly pushers: readonly Login[];
}

/** A registry of users and passwords behind Apache, which has the rights, as the contract suite wants it. */
export async function apacheBackend(
  startRegistry: (accounts: Accounts) => Promise<{ readonly url: string; stop(): Promise<void> }>,
): Promise<Backend> {
  const pullers = folders.map((folder) => login(`${folder}-puller`));
  const pushers = [owner, ...folders.map((folder) => login(`${folder}-pusher`))];
  const registry = await startRegistry({ folders, pullers, pushers });
  const proxy = await startApache({
    upstream: registry.url,
    users: [...pullers, ...pushers],
    owner: owner.username,
    folders: folders.map((prefix) => ({ prefix, pull: [`${prefix}-puller`], push: [`${prefix}-pusher`] })),
  });
  const accounts = await Promise.all(
    folders.map((folder) =>
      mountAccounts({ account: owner, pullAccount: login(`${folder}-puller`), pushAccount: login(`${folder}-pusher`) }),
    ),
  );
  const binding = (i: number) =>
    JSON.stringify({
      service: "external",
      registryUrl: proxy.url,
      repositoryPrefix: folders[i],
      staticCredentials: true,
      ...accounts[i]?.files,
    });
  return {
    platform,
    env: { ALIEN_IMAGES_BINDING: binding(0), ALIEN_BUILDS_BINDING: binding(1) },
    async stop() {
      await proxy.stop();
      await registry.stop();
      for (const each of accounts) await each.remove();
    },
  };
}
