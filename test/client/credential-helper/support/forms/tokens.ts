import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startFake } from "../../../support/server.ts";
import type { Form, Person } from "../machine.ts";

const base64 = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
const now = () => Math.floor(Date.now() / 1000);

/** A token as an issuer gives it: each is another, whoever asks. */
export function jwt(claims: object): string {
  const ofThisToken = { iat: now(), nbf: now(), exp: now() + 600, jti: randomUUID(), uti: randomUUID() };
  const payload = { ...ofThisToken, aio: randomUUID(), rh: randomUUID(), ...claims };
  return [base64({ alg: "RS256", kid: "k" }), base64(payload), Buffer.from(randomUUID()).toString("base64url")].join(
    ".",
  );
}

const claims = (sub: string) => ({ iss: "https://issuer.example", sub, aud: "api://functions" });
const opaque = (who: Person) => `opaque-token-of-${who}`;
const renewed = (who: Person) => jwt(claims(who));

const inFile = (title: string, token: (who: Person) => string): Form => ({
  title: `a file whose content changed, with ${title}`,
  binding: { platform: "kubernetes" },
  sameEnvironment: true,
  prepare: async (folder) => async (who) => {
    const file = join(folder, "token");
    await writeFile(file, `${token(who)}\n`);
    return { ALIEN_TOKEN_FILE: file };
  },
});

const inVariable = (title: string, token: (who: Person) => string): Form => ({
  title: `a variable that the binding names, with ${title}`,
  binding: { platform: "aws", auth: { type: "token", variable: "CI_TOKEN" } },
  prepare: async () => (who) => ({ CI_TOKEN: token(who) }),
});

/** One claim tells them apart, and all else is the same. */
const byClaim = (name: string, values: Readonly<Record<Person, unknown>>): Form => ({
  title: `the token's claim ${name}`,
  binding: { platform: "gcp", auth: { type: "token", variable: "CI_TOKEN" } },
  prepare: async () => (who) => ({ CI_TOKEN: jwt({ ...claims("same"), [name]: values[who] }) }),
});

const strings = { alice: "of-alice", bob: "of-bob" };

export const tokenForms: readonly Form[] = [
  {
    title: "the caller token of a local server",
    binding: { platform: "local" },
    prepare: async () => (who) => ({ ALIEN_CALLER_TOKEN: opaque(who) }),
  },
  inVariable("an opaque token", opaque),
  inVariable("a token that is renewed", renewed),
  inFile("an opaque token", opaque),
  inFile("a token that is renewed", renewed),
  {
    title: "files of two names",
    binding: { platform: "kubernetes" },
    prepare: async (folder) => async (who) => {
      await writeFile(join(folder, who), renewed(who));
      return { ALIEN_TOKEN_FILE: join(folder, who) };
    },
  },
  {
    title: "a file that the binding names",
    binding: (folder) => ({ platform: "aws", auth: { type: "token", file: join(folder, "token") } }),
    sameEnvironment: true,
    prepare: async (folder) => async (who) => {
      await writeFile(join(folder, "token"), renewed(who));
      return {};
    },
  },
  ...["iss", "sub", "aud", "azp", "tid", "environment", "job_workflow_ref", "run_id", "email"].map((name) =>
    byClaim(name, strings),
  ),
  byClaim("kubernetes.io", { alice: { pod: { uid: "1" } }, bob: { pod: { uid: "2" } } }),
  byClaim("groups", { alice: ["a", "b"], bob: ["a"] }),
];

export const githubForms: readonly Form[] = [
  {
    title: "a job of GitHub Actions",
    binding: { platform: "aws", auth: { type: "github", audience: "api://functions" } },
    sameEnvironment: true,
    async prepare() {
      let now: Person = "alice";
      const claimsOf = (who: Person) => ({
        ...claims("repo:vendor/app:ref:refs/heads/main"),
        job_workflow_ref: `vendor/app/.github/workflows/${who}.yml@refs/heads/main`,
      });
      const { url } = await startFake(() => ({ body: { value: jwt(claimsOf(now)) } }));
      return (who) => {
        now = who;
        return { ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/?v=1`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "of-the-runner" };
      };
    },
  },
];
