import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { startFake } from "../../../support/server.ts";
import { type Environment, elsewhere, type Form, type Person } from "../machine.ts";

const common = { binding: { platform: "aws" }, process: true } as const;
const region = { AWS_REGION: "eu-west-1" };
/** Nothing is found but what a form puts there. */
const nowhere = { ...region, AWS_EC2_METADATA_DISABLED: "true" };

const keyOf = (who: string) => ({ id: `KEYOF${who.toUpperCase()}`, secret: `not-a-secret-of-${who}` });
const profile = (name: string, who: string) =>
  `[${name}]\naws_access_key_id = ${keyOf(who).id}\naws_secret_access_key = ${keyOf(who).secret}\n`;
const processOutput = (who: string) =>
  JSON.stringify({ Version: 1, AccessKeyId: keyOf(who).id, SecretAccessKey: keyOf(who).secret });
const session = (who: string) => ({
  AccessKeyId: keyOf(who).id,
  SecretAccessKey: keyOf(who).secret,
  Token: `session-of-${who}`,
  Expiration: "2040-01-01T00:00:00Z",
});

async function write(file: string, content: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

/** An endpoint of this machine that speaks for one person at a time. */
async function endpoint(answer: (who: Person, path: string) => object | string) {
  let now: Person = "alice";
  const { url } = await startFake(({ path }) => ({ body: answer(now, path) }));
  const speakFor = (who: Person) => {
    now = who;
  };
  return { url, speakFor };
}

const files: readonly Form[] = [
  {
    title: "profiles of one file",
    ...common,
    prepare: async (folder) => async (who) => ({
      ...nowhere,
      HOME: folder,
      AWS_PROFILE: await write(
        join(folder, ".aws/credentials"),
        profile("alice", "alice") + profile("bob", "bob"),
      ).then(() => who),
    }),
  },
  {
    title: "AWS_SHARED_CREDENTIALS_FILE",
    ...common,
    prepare: async (folder) => async (who) => ({
      ...nowhere,
      AWS_SHARED_CREDENTIALS_FILE: await write(join(folder, who), profile("default", who)),
    }),
  },
  {
    title: "AWS_CONFIG_FILE",
    ...common,
    prepare: async (folder) => async (who) => ({
      ...nowhere,
      AWS_CONFIG_FILE: await write(join(folder, who), profile("default", who)),
    }),
  },
  {
    title: "HOME",
    ...common,
    prepare: async (folder) => async (who) => {
      await write(join(folder, who, ".aws/credentials"), profile("default", who));
      return { ...nowhere, HOME: join(folder, who) };
    },
  },
  {
    title: "a credentials file whose content changed",
    ...common,
    sameEnvironment: true,
    prepare: async (folder) => async (who) => ({
      ...nowhere,
      AWS_PROFILE: "default",
      AWS_SHARED_CREDENTIALS_FILE: await write(join(folder, "credentials"), profile("default", who)),
    }),
  },
  {
    title: "AWS_DEFAULT_PROFILE, which a credential_process reads",
    ...common,
    async prepare(folder) {
      const script = `case "$AWS_DEFAULT_PROFILE" in\nalice) echo '${processOutput("alice")}';;\nbob) echo '${processOutput("bob")}';;\nesac\n`;
      const program = await write(join(folder, "process.sh"), script);
      const AWS_CONFIG_FILE = await write(
        join(folder, "config"),
        `[default]\ncredential_process = /bin/sh ${program}\n`,
      );
      return (who) => ({ ...nowhere, AWS_CONFIG_FILE, AWS_DEFAULT_PROFILE: who, PATH: "/bin:/usr/bin" });
    },
  },
  {
    title: "aws login, as another",
    ...common,
    sameEnvironment: true,
    prepare: async (folder) => async (who) => {
      const name = "arn:aws:iam::111122223333:user/somebody";
      const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken } = session(who);
      const accessToken = { accessKeyId, secretAccessKey, sessionToken, accountId: "111122223333" };
      const token = {
        accessToken: { ...accessToken, expiresAt: session(who).Expiration },
        clientId: "c",
        refreshToken: "r",
        dpopKey: "k",
      };
      const file = `${createHash("sha256").update(name).digest("hex")}.json`;
      await write(join(folder, ".aws/login/cache", file), JSON.stringify(token));
      await write(join(folder, ".aws/config"), `[default]\nlogin_session = ${name}\n`);
      return { ...nowhere, HOME: folder };
    },
  },
];

/** Both have the same variables; what answers behind them tells the callers apart. */
const endpoints: readonly Form[] = [
  {
    title: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ...common,
    async prepare() {
      const { url } = await startFake(({ path }) => ({ body: session(path.slice(1)) }));
      return (who) => ({
        ...nowhere,
        ...elsewhere({ "169.254.170.2": url }),
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: `/${who}`,
      });
    },
  },
  {
    title: "AWS_CONTAINER_CREDENTIALS_FULL_URI, which answers for another",
    ...common,
    sameEnvironment: true,
    async prepare() {
      const { url, speakFor } = await endpoint((who) => session(who));
      return (who) => {
        speakFor(who);
        return { ...nowhere, AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/credentials` };
      };
    },
  },
  {
    title: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, whose content changed",
    ...common,
    sameEnvironment: true,
    async prepare(folder) {
      const { url } = await startFake(({ headers }) => ({ body: session(headers.authorization ?? "") }));
      return async (who) => ({
        ...nowhere,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: await write(join(folder, "token"), who),
      });
    },
  },
  {
    title: "an instance whose role was changed",
    ...common,
    sameEnvironment: true,
    async prepare() {
      const role = "/latest/meta-data/iam/security-credentials/";
      const { url, speakFor } = await endpoint((who, path) => {
        if (path === "/latest/api/token") return "token";
        return path === role ? "role" : { Code: "Success", Type: "AWS-HMAC", LastUpdated: "x", ...session(who) };
      });
      return (who) => {
        speakFor(who);
        return { ...region, AWS_EC2_METADATA_SERVICE_ENDPOINT: url };
      };
    },
  },
];

export const awsForms: readonly Form[] = [
  {
    title: "keys in the environment",
    ...common,
    prepare: async () => (who) => ({
      ...nowhere,
      AWS_ACCESS_KEY_ID: keyOf(who).id,
      AWS_SECRET_ACCESS_KEY: keyOf(who).secret,
    }),
  },
  {
    title: "sessions of one key",
    ...common,
    prepare: async () => (who) => ({
      ...nowhere,
      AWS_ACCESS_KEY_ID: keyOf("same").id,
      AWS_SECRET_ACCESS_KEY: keyOf("same").secret,
      AWS_SESSION_TOKEN: `session-of-${who}`,
    }),
  },
  ...files,
  ...endpoints,
];

/** STS and the portal of SSO, which give another session at each call. */
async function sessions(folder: string): Promise<Environment> {
  let opened = 0;
  const { url } = await startFake(({ method, body }) => {
    const key = session(`session${++opened}`);
    if (method === "GET") {
      const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken } = key;
      const expiration = Date.parse(key.Expiration);
      return { body: { roleCredentials: { accessKeyId, secretAccessKey, sessionToken, expiration } } };
    }
    const action = new URLSearchParams(body).get("Action");
    const { Token: SessionToken, ...rest } = key;
    const fields = Object.entries({ ...rest, SessionToken }).map(([name, value]) => `<${name}>${value}</${name}>`);
    const result = `<${action}Result><Credentials>${fields.join("")}</Credentials></${action}Result>`;
    return { headers: { "content-type": "text/xml" }, body: `<${action}Response>${result}</${action}Response>` };
  });
  return { ...nowhere, HOME: folder, AWS_ENDPOINT_URL_STS: url, AWS_ENDPOINT_URL_SSO: url };
}

/** A new session for each run: nothing that is known here tells that it is the same caller. */
export const sessionForms: readonly Form[] = [
  {
    title: "a role that a profile assumes",
    ...common,
    async prepare(folder) {
      const config = "[profile role]\nrole_arn = arn:aws:iam::111122223333:role/deploy\nsource_profile = base\n";
      await write(join(folder, ".aws/config"), config);
      await write(join(folder, ".aws/credentials"), profile("base", "base"));
      const env = await sessions(folder);
      return () => ({ ...env, AWS_PROFILE: "role" });
    },
  },
  {
    title: "a web identity",
    ...common,
    async prepare(folder) {
      const AWS_WEB_IDENTITY_TOKEN_FILE = await write(join(folder, "token"), "token-of-the-pod");
      const env = await sessions(folder);
      return () => ({ ...env, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN: "arn:aws:iam::111122223333:role/deploy" });
    },
  },
  {
    title: "SSO",
    ...common,
    async prepare(folder) {
      const start = "https://vendor.awsapps.com/start";
      const role = "sso_account_id = 111122223333\nsso_role_name = deploy\nsso_region = eu-west-1\n";
      await write(join(folder, ".aws/config"), `[default]\nsso_start_url = ${start}\n${role}`);
      const token = { accessToken: "token", expiresAt: "2040-01-01T00:00:00Z", region: "eu-west-1", startUrl: start };
      const file = `${createHash("sha1").update(start).digest("hex")}.json`;
      await write(join(folder, ".aws/sso/cache", file), JSON.stringify(token));
      const env = await sessions(folder);
      return () => env;
    },
  },
];
