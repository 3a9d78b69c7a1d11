import { platform } from "../../functions/kubernetes/index.ts";
import { startApache } from "../kubernetes/support/apache.ts";
import { startDistribution } from "../kubernetes/support/distribution.ts";
import { type Login, mountAccounts } from "../kubernetes/support/files.ts";
import { tool } from "../tools/tools.ts";
import { contractSuite } from "./suite.ts";

const folders = ["images", "builds"];
const login = (username: string): Login => ({ username, password: `password of ${username}` });
const owner = login("suite");

// Distribution knows users and passwords, and no rights: those are the proxy's, as in the project's own recipe.
contractSuite({
  name: "external-static",
  behind: "distribution 2.8 with htpasswd, behind Apache",
  async start() {
    const users = [owner, ...folders.flatMap((folder) => [login(`${folder}-puller`), login(`${folder}-pusher`)])];
    const registry = await startDistribution({ binary: tool("docker-registry"), auth: { users } });
    const proxy = await startApache({
      upstream: registry.url,
      users,
      owner: owner.username,
      folders: folders.map((prefix) => ({ prefix, pull: [`${prefix}-puller`], push: [`${prefix}-pusher`] })),
    });
    const accounts = await Promise.all(
      folders.map((folder) =>
        mountAccounts({
          account: owner,
          pullAccount: login(`${folder}-puller`),
          pushAccount: login(`${folder}-pusher`),
        }),
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
  },
});
