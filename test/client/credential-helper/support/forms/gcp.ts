import { generateKeyPairSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { startFake } from "../../../support/server.ts";
import { elsewhere, type Form } from "../machine.ts";
import { jwt } from "./tokens.ts";

const common = { binding: { platform: "gcp" }, process: true } as const;
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

const emailOf = (who: string) => `${who}@vendor.iam.gserviceaccount.com`;
const idToken = (email: string) => jwt({ iss: "https://accounts.google.com", sub: email, aud: "a", azp: email, email });

/** The key file of a service account, as Google gives it. */
async function keyFile(file: string, who: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const key = { type: "service_account", project_id: "vendor", client_email: emailOf(who), private_key: privateKey };
  await writeFile(file, JSON.stringify(key));
  return file;
}

/** Google's token endpoint, which gives ID tokens to whom an assertion names. */
async function google() {
  const { url } = await startFake(({ body }) => {
    const [, payload = ""] = (new URLSearchParams(body).get("assertion") ?? "").split(".");
    const { iss } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { iss: string };
    return { body: { id_token: idToken(iss) } };
  });
  return {
    ...elsewhere({ "oauth2.googleapis.com": url, "www.googleapis.com": url }),
    METADATA_SERVER_DETECTION: "none",
  };
}

/** The metadata server of a machine that runs as one account. */
const metadata = (who: () => string) =>
  startFake(({ path }) => ({
    headers: { "metadata-flavor": "Google" },
    body: path.includes("/identity") ? idToken(emailOf(who())) : "service-accounts/\n",
  }));

export const gcpForms: readonly Form[] = [
  {
    title: "GCE_METADATA_HOST",
    ...common,
    async prepare() {
      const hosts = { alice: await metadata(() => "alice"), bob: await metadata(() => "bob") };
      return (who) => ({
        GCE_METADATA_HOST: new URL(hosts[who].url).host,
        METADATA_SERVER_DETECTION: "assume-present",
      });
    },
  },
  {
    title: "a machine whose account was changed",
    ...common,
    sameEnvironment: true,
    async prepare() {
      let now = "alice";
      const { host } = new URL((await metadata(() => now)).url);
      return (who) => {
        now = who;
        return { GCE_METADATA_HOST: host, METADATA_SERVER_DETECTION: "assume-present" };
      };
    },
  },
  {
    title: "GOOGLE_APPLICATION_CREDENTIALS",
    ...common,
    async prepare(folder) {
      const env = await google();
      return async (who) => ({ ...env, GOOGLE_APPLICATION_CREDENTIALS: await keyFile(join(folder, who), who) });
    },
  },
  {
    title: "a key file whose content changed",
    ...common,
    sameEnvironment: true,
    async prepare(folder) {
      const env = await google();
      return async (who) => ({ ...env, GOOGLE_APPLICATION_CREDENTIALS: await keyFile(join(folder, "key"), who) });
    },
  },
  {
    title: "CLOUDSDK_CONFIG",
    ...common,
    async prepare(folder) {
      const env = await google();
      return async (who) => {
        await keyFile(join(folder, who, "application_default_credentials.json"), who);
        return { ...env, CLOUDSDK_CONFIG: join(folder, who) };
      };
    },
  },
  {
    title: "HOME",
    ...common,
    async prepare(folder) {
      const env = await google();
      return async (who) => {
        await keyFile(join(folder, who, ".config/gcloud/application_default_credentials.json"), who);
        return { ...env, HOME: join(folder, who) };
      };
    },
  },
];
