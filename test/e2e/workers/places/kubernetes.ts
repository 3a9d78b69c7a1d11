import { vi } from "vitest";
import { createAuthority } from "../../../emulators/azure/http/certificates.ts";
import { startApiServer } from "../../../emulators/kubernetes/api-server.ts";
import { createServiceAccounts, subjectOf } from "../../../emulators/kubernetes/service-accounts.ts";
import { startInstance } from "../../../kubernetes/rolling/instance.ts";
import { mountAccounts, mountSecret } from "../../../kubernetes/support/files.ts";
import { startOurRegistry } from "../../../kubernetes/support/our-registry.ts";
import { buildBundle } from "../../../support/bundle.ts";
import { oidcEnv, type Place, unnamed, unverified } from "../place.ts";

const audience = "artifact-registry";
const [worker, next, stranger, handler] = ["worker", "next", "stranger", "artifact-registry"].map((name) => ({
  namespace: "apps",
  name,
})) as [Account, Account, Account, Account];
type Account = { readonly namespace: string; readonly name: string };

/** Pods of a cluster, each with a projected token of its service account, before the container's server. */
export async function onKubernetes(): Promise<Place> {
  buildBundle("kubernetes");
  const authority = await createAuthority();
  const accounts = await createServiceAccounts();
  const api = await startApiServer(accounts, authority);
  const registry = await startOurRegistry(["images"]);
  const logins = await mountAccounts({
    account: registry.account(["pull", "push", "delete"]),
    pullAccount: registry.account(["pull"]),
    pushAccount: registry.account(["pull", "push"]),
  });
  const own = await mountSecret({ "ca.crt": authority.ca, token: await accounts.token(handler) });
  const mounts = [own];
  const mounted = async (token: string) => {
    const mount = await mountSecret({ token });
    mounts.push(mount);
    return { mount, env: { ALIEN_TOKEN_FILE: mount.path("token") } };
  };
  const tokenOf = (account: Account) => accounts.token(account, { audience });
  const may = await mounted(await tokenOf(worker));
  const cluster = {
    issuer: accounts.issuer,
    audience,
    jwksUri: `${api.url}/openid/v1/jwks`,
    caFile: own.path("ca.crt"),
    tokenFile: own.path("token"),
  };
  return {
    platform: "kubernetes",
    form: "bearer",
    async open() {
      const binding = { service: "external", registryUrl: registry.url, repositoryPrefix: "images", ...logins.files };
      const instance = await startInstance({
        DRAIN_SECONDS: "0",
        ALIEN_IMAGES_BINDING: JSON.stringify(binding),
        ...oidcEnv([worker, next].map((account) => ({ ...cluster, subject: subjectOf(account) }))),
      });
      const isReady = () =>
        fetch(`${instance.url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        );
      await vi.waitUntil(isReady, { timeout: 300_000 });
      return { url: instance.url, log: instance.log, stop: async () => void (await instance.stop()) };
    },
    worker: { env: may.env },
    // The kubelet puts a new token in the place of the old one. Another account's, so that one can tell them apart.
    meanwhile: async () => may.mount.replace({ token: await tokenOf(next) }),
    seenAs: [subjectOf(worker), subjectOf(next)],
    refused: {
      "whose token is for the API server": { ...(await mounted(await accounts.token(worker))), ...unverified },
      "of a cluster that signs under the same issuer's name": {
        ...(await mounted(await (await createServiceAccounts()).token(worker, { audience }))),
        ...unverified,
      },
      "that no rule names": { ...(await mounted(await tokenOf(stranger))), ...unnamed },
      "that has no token mounted": {
        env: { ALIEN_TOKEN_FILE: "/nowhere/token" },
        code: "AUTHENTICATION_ERROR",
        hint: /bearer token/,
      },
    },
    reach: () => registry.url,
    async stop() {
      await Promise.all([api.stop(), registry.stop(), logins.remove(), ...mounts.map((mount) => mount.remove())]);
    },
  };
}
