import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { startFake } from "../../../support/server.ts";
import { type Environment, elsewhere, type Form, type Person } from "../machine.ts";
import { jwt } from "./tokens.ts";

const auth = { type: "azure", audience: "api://functions" };
const common = { binding: { platform: "azure", auth }, process: true } as const;
const tenant = "11111111-2222-3333-4444-555555555555";
/** Ids of applications: the library wants them to look like such. */
const clients = {
  alice: "aaaaaaaa-0000-4000-8000-000000000000",
  bob: "bbbbbbbb-0000-4000-8000-000000000000",
};
const entraToken = (oid: string) =>
  jwt({ iss: `https://sts.windows.net/${tenant}/`, aud: "api://functions", sub: oid, oid, tid: tenant });

async function write(file: string, content: string, mode = 0o600): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content, { mode });
  return file;
}

/** The identity endpoint of App Service: it gives tokens of the app's own identity, or of one that the app has beside it. */
async function managed(own: () => string): Promise<Environment> {
  const { url } = await startFake(({ path }) => {
    const query = new URL(path, "http://identity").searchParams;
    const access_token = entraToken(query.get("client_id") ?? own());
    return { body: { access_token, expires_on: "2208988800", resource: query.get("resource"), token_type: "Bearer" } };
  });
  return {
    IDENTITY_ENDPOINT: `${url}/msi/token`,
    IDENTITY_HEADER: "header",
    AZURE_TOKEN_CREDENTIALS: "ManagedIdentityCredential",
  };
}

/** Entra's token endpoint. It believes everybody. */
async function entra(subject: (form: URLSearchParams) => string): Promise<Environment> {
  const authority = `https://login.microsoftonline.com/${tenant}`;
  const { url } = await startFake(({ method, body }) => {
    if (method === "POST") {
      return {
        body: { token_type: "Bearer", expires_in: 3600, access_token: entraToken(subject(new URLSearchParams(body))) },
      };
    }
    return {
      body: {
        issuer: `${authority}/v2.0`,
        authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
        token_endpoint: `${authority}/oauth2/v2.0/token`,
        jwks_uri: `${authority}/discovery/v2.0/keys`,
        tenant_discovery_endpoint: `${authority}/v2.0/.well-known/openid-configuration`,
        metadata: [],
      },
    };
  });
  return { ...elsewhere({ "login.microsoftonline.com": url }), AZURE_TENANT_ID: tenant };
}

/** An `az` on the path that is logged in as the file `profile` of its folder says. */
async function cli(folder: string): Promise<Environment> {
  const token = (who: Person) =>
    JSON.stringify({ accessToken: entraToken(who), expires_on: 2208988800, expiresOn: "2040-01-01 00:00:00.000000" });
  const script = `#!/bin/sh
case "$(cat "\${AZURE_CONFIG_DIR:-$HOME/.azure}/profile")" in
alice) echo '${token("alice")}';;
bob) echo '${token("bob")}';;
esac
`;
  await write(join(folder, "bin/az"), script, 0o700);
  return { PATH: `${join(folder, "bin")}:/bin:/usr/bin`, AZURE_TOKEN_CREDENTIALS: "AzureCliCredential" };
}

export const azureForms: readonly Form[] = [
  {
    title: "a managed identity that was changed",
    ...common,
    sameEnvironment: true,
    async prepare() {
      let now = "alice";
      const env = await managed(() => now);
      return (who) => {
        now = who;
        return env;
      };
    },
  },
  {
    title: "AZURE_CLIENT_ID of a managed identity",
    ...common,
    async prepare() {
      const env = await managed(() => "nobody");
      return (who) => ({ ...env, AZURE_CLIENT_ID: clients[who] });
    },
  },
  {
    title: "a secret of an application",
    ...common,
    async prepare() {
      const env = await entra((form) => form.get("client_id") ?? "");
      return (who) => ({
        ...env,
        AZURE_TOKEN_CREDENTIALS: "EnvironmentCredential",
        AZURE_CLIENT_ID: clients[who],
        AZURE_CLIENT_SECRET: "not-a-secret",
      });
    },
  },
  {
    title: "AZURE_FEDERATED_TOKEN_FILE, whose content changed",
    ...common,
    sameEnvironment: true,
    async prepare(folder) {
      const env = await entra((form) => form.get("client_assertion") ?? "");
      return async (who) => ({
        ...env,
        AZURE_TOKEN_CREDENTIALS: "WorkloadIdentityCredential",
        AZURE_CLIENT_ID: clients.alice,
        AZURE_FEDERATED_TOKEN_FILE: await write(join(folder, "token"), `token-of-${who}`),
      });
    },
  },
  {
    title: "AZURE_CONFIG_DIR",
    ...common,
    async prepare(folder) {
      const env = await cli(folder);
      return async (who) => ({
        ...env,
        AZURE_CONFIG_DIR: dirname(await write(join(folder, who, "profile"), who)),
      });
    },
  },
  {
    title: "HOME",
    ...common,
    async prepare(folder) {
      const env = await cli(folder);
      return async (who) => {
        await write(join(folder, who, ".azure/profile"), who);
        return { ...env, HOME: join(folder, who) };
      };
    },
  },
  {
    title: "az login, as another",
    ...common,
    sameEnvironment: true,
    async prepare(folder) {
      const env = await cli(folder);
      return async (who) => {
        await write(join(folder, "home/.azure/profile"), who);
        return { ...env, HOME: join(folder, "home") };
      };
    },
  },
];
