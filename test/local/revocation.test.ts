import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { AuditLine } from "../../core/audit.ts";
import { openCredentials, rotateKey } from "../../functions/local/credentials.ts";
import { type LocalSuite, type LocalSuiteOptions, serveLocal } from "../../functions/local/serve.ts";
import { createClient, pullImage, pushImage } from "../../oci/client/index.ts";
import { loadTokenKeys } from "../../oci/token/index.ts";
import { buildImage } from "../oci/client/images.ts";
import { call } from "./process.ts";

const caller = "a-token-of-this-test";
type Body = Record<string, unknown>;

/** A server on a folder of this test's own, whose clock the test turns. */
async function start(given: { folder?: string } & LocalSuiteOptions = {}) {
  const { folder = await mkdtemp(join(tmpdir(), "revocation-")), ...options } = given;
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  let ahead = 0;
  const audit: AuditLine[] = [];
  const log: string[] = [];
  const env = { PORT: "0", REGISTRY_PORT: "0", DATA_DIR: folder, ALIEN_CALLER_TOKEN: caller };
  const bindings = { ALIEN_BUILDS_BINDING: '{"service":"local"}' };
  const suite = await serveLocal(
    { ...env, ...bindings },
    {
      audit: (line) => void audit.push(line),
      log: (message) => void log.push(message),
      now: () => new Date(Date.now() + ahead),
      ...options,
    },
  );
  onTestFinished(() => suite.close());
  const ask = (operation: string, input: Body) => call(suite.url, caller, operation, { registry: "images", ...input });
  return {
    suite,
    folder,
    audit,
    log,
    ask,
    advance: (milliseconds: number) => {
      ahead += milliseconds;
    },
    async mint(repoId = "app", permissions = "pull", more: Body = {}) {
      const { status, body } = await ask("generateCredentials", { repoId, permissions, ...more });
      expect(status).toBe(200);
      return { password: String(body.password), credentialId: String(body.credentialId) };
    },
    async revoke(input: Body = {}) {
      const { status, body } = await ask("revokeCredentials", input);
      expect([status, body]).toEqual([200, { notBefore: expect.any(String), certainBy: expect.any(String) }]);
      return body as { notBefore: string; certainBy: string };
    },
  };
}

/** Whether a registry takes a password, as it is and in exchange for a bearer token. */
async function counts({ registryUrl }: LocalSuite, password: string): Promise<boolean> {
  const headers = { authorization: `Basic ${Buffer.from(`token:${password}`).toString("base64")}` };
  const answers = await Promise.all(["/v2/", "/token"].map((path) => fetch(`${registryUrl}${path}`, { headers })));
  const statuses = answers.map(({ status }) => status);
  expect([
    [200, 200],
    [401, 401],
  ]).toContainEqual(statuses);
  return statuses[0] === 200;
}

describe("revokeCredentials on the local platform", () => {
  test("ends by repository, permission, caller and id; what does not fit goes on", async () => {
    const { suite, mint, revoke, advance } = await start();
    const door = { issuer: "door", subject: "local" };
    const cases: [input: Body, ended: string[]][] = [
      [{ repoId: "nothing" }, []],
      [{ caller: { ...door, subject: "another" } }, []],
      [{ repoId: "app", permissions: "push-pull" }, ["app push-pull"]],
      [{ repoId: "images/base", caller: door }, ["base pull", "base push-pull"]],
      [{ permissions: "push-pull" }, ["app push-pull", "base push-pull"]],
      [{ caller: door }, ["app pull", "app push-pull", "base pull", "base push-pull"]],
      [{}, ["app pull", "app push-pull", "base pull", "base push-pull"]],
    ];
    for (const [index, [input, ended]] of cases.entries()) {
      advance(60_000);
      const held = new Map<string, string>();
      for (const what of ["app pull", "app push-pull", "base pull", "base push-pull"]) {
        const [repository, permissions] = what.split(" ");
        // A lifetime of its own keeps the function from handing out the one that it minted before.
        held.set(what, (await mint(repository, permissions, { ttlSeconds: 3_600 + index })).password);
      }
      const other = (await mint("app", "pull", { registry: "builds" })).password;
      await revoke(input);
      const left = await Promise.all(
        [...held].map(async ([what, password]) => ((await counts(suite, password)) ? [] : [what])),
      );
      expect(left.flat(), JSON.stringify(input)).toEqual([...ended]);
      expect(await counts(suite, other)).toBe(true);
    }
  });

  test("ends the one that leaked, by the id of its audit line, which is the token's own", async () => {
    const { suite, mint, revoke, audit } = await start();
    const [leaked, other] = [await mint("app"), await mint("base")];
    const claims = JSON.parse(Buffer.from(leaked.password.split(".")[1] ?? "", "base64url").toString());
    expect(claims.jti).toBe(leaked.credentialId);
    expect(JSON.stringify(claims)).not.toMatch(/door|"local"/);
    expect(audit[0]).toMatchObject({ operation: "generateCredentials", credentialId: leaked.credentialId });
    await revoke({ credentialId: leaked.credentialId });
    expect(audit.at(-1)).toMatchObject({
      operation: "revokeCredentials",
      revoked: { credentialId: leaked.credentialId },
      outcome: "OK",
      upstreamCalls: 0,
    });
    expect([await counts(suite, leaked.password), await counts(suite, other.password)]).toEqual([false, true]);
  });

  test("answers its second, ends what was minted in it, and mints nothing that would be dead", async () => {
    const moment = new Date("2031-05-06T07:08:09.250Z");
    let now = moment;
    const { suite, ask, mint, revoke } = await start({ now: () => now });
    const before = await mint();
    expect(await revoke({ permissions: "pull" })).toEqual({
      notBefore: "2031-05-06T07:08:09.000Z",
      certainBy: "2031-05-06T07:08:09.000Z",
    });
    expect(await counts(suite, before.password)).toBe(false);
    now = new Date("2031-05-06T07:08:09.999Z");
    const refused = await ask("generateCredentials", { repoId: "app", permissions: "pull" });
    expect([refused.status, refused.body]).toEqual([
      503,
      expect.objectContaining({ code: "SERVICE_UNAVAILABLE", retryable: true }),
    ]);
    expect(await counts(suite, (await mint("app", "push-pull")).password)).toBe(true);
    now = new Date("2031-05-06T07:08:10.000Z");
    const after = await mint();
    expect(after.credentialId).not.toBe(before.credentialId);
    expect([await counts(suite, after.password), await counts(suite, before.password)]).toEqual([true, false]);
  });

  test("is followed at once by a credential that counts: the mint waits for the next second", async () => {
    const { suite, mint, revoke } = await start();
    for (let round = 0; round < 3; round += 1) {
      const before = await mint("app", "pull", { ttlSeconds: 1_000 + round });
      await revoke();
      const after = await mint("app", "pull", { ttlSeconds: 1_000 + round });
      expect([await counts(suite, before.password), await counts(suite, after.password)]).toEqual([false, true]);
    }
  });

  test("is kept over a restart, and so are the keys", async () => {
    const first = await start();
    const [bad, good] = [await first.mint("app"), await first.mint("base")];
    await first.revoke({ repoId: "app" });
    await first.suite.close();
    const second = await start({ folder: first.folder });
    expect([await counts(second.suite, bad.password), await counts(second.suite, good.password)]).toEqual([
      false,
      true,
    ]);
  });

  test("by another process counts at once; those who revoke at the same time lose nothing", async () => {
    const { suite, folder, mint } = await start();
    const held = await Promise.all(["a", "b", "c", "d", "e", "f"].map((name) => mint(name)));
    const now = new Date();
    await Promise.all(
      held
        .slice(0, 5)
        .map(({ credentialId }) =>
          openCredentials(folder).revoke({ revokedAt: now.toISOString(), registry: "images", credentialId }, now),
        ),
    );
    const taken = await Promise.all(held.map(({ password }) => counts(suite, password)));
    expect(taken).toEqual([false, false, false, false, false, true]);
    // What was revoked elsewhere is not handed out again either.
    expect((await mint("f")).credentialId).toBe(held[5]?.credentialId);
    await expect.poll(async () => (await mint("a")).credentialId).not.toBe(held[0]?.credentialId);
  });

  test("without a repository needs a rule for all of them", async () => {
    const { folder } = await start();
    const rule = { callers: [{ issuer: "door", subject: "local" }], operations: ["*"], registries: ["*"] };
    for (const [repositories, whole] of [
      [["images/app"], "ACCESS_DENIED"],
      [["*"], undefined],
    ] as const) {
      const env = { PORT: "0", REGISTRY_PORT: "0", DATA_DIR: join(folder, "of-this"), ALIEN_CALLER_TOKEN: caller };
      const suite = await serveLocal(
        { ...env, ALIEN_ACCESS_RULES: JSON.stringify([{ ...rule, repositories }]) },
        { audit: () => {} },
      );
      const ask = async (input: Body) =>
        (await call(suite.url, caller, "revokeCredentials", { registry: "images", ...input })).body.code;
      expect([await ask({ repoId: "app" }), await ask({}), await ask({ credentialId: "x" })]).toEqual([
        undefined,
        whole,
        whole,
      ]);
      await suite.close();
    }
  });

  test("over a damaged list is refused, as is a mint; describeRegistry, the log and the registry say so until it is mended", async () => {
    const { suite, folder, mint, ask, revoke, log } = await start();
    const { password } = await mint();
    const file = join(folder, "revoked.json");
    const good = await readFile(file);
    await writeFile(file, good.subarray(0, 10));
    for (const [operation, input] of [
      ["revokeCredentials", {}],
      ["generateCredentials", { repoId: "other", permissions: "pull" }],
    ] as const) {
      const { status, body } = await ask(operation, input);
      expect([status, body.code, body.retryable]).toEqual([503, "SERVICE_UNAVAILABLE", false]);
      expect(String(body.hint)).toContain("revoked.json");
    }
    const headers = { authorization: `Bearer ${password}` };
    expect((await fetch(`${suite.registryUrl}/v2/`, { headers })).status).toBe(503);
    expect(log).toContainEqual(expect.stringContaining(`${file} cannot be read`));
    expect((await ask("describeRegistry", {})).body.health).toEqual({
      status: "unhealthy",
      findings: [{ message: "The list of revoked credentials cannot be read.", hint: expect.any(String) }],
    });
    expect(await readFile(file)).toEqual(good.subarray(0, 10));
    await writeFile(file, good);
    expect(await counts(suite, password)).toBe(true);
    expect((await ask("describeRegistry", {})).body.health).toEqual({ status: "healthy", findings: [] });
    await revoke();
    expect(await counts(suite, password)).toBe(false);
  });

  test("over a damaged list a server starts, closed to tokens", async () => {
    const first = await start();
    const { password } = await first.mint();
    await first.suite.close();
    await writeFile(join(first.folder, "revoked.json"), '{"revocations":[{}]}');
    const { suite, log } = await start({ folder: first.folder });
    expect(log).toEqual([expect.stringContaining("revoked.json cannot be read")]);
    const headers = { authorization: `Bearer ${password}` };
    expect((await fetch(`${suite.registryUrl}/v2/`, { headers })).status).toBe(503);
  });

  test("is refused when the list is full, and a wider one still fits", async () => {
    const { folder, ask, revoke } = await start();
    const revokedAt = new Date(Date.now() - 1_000).toISOString();
    const entry = (index: number) => ({ revokedAt, registry: "images", credentialId: String(index) });
    const file = join(folder, "revoked.json");
    await writeFile(file, JSON.stringify({ revocations: Array.from({ length: 10_000 }, (_, index) => entry(index)) }));
    const { status, body } = await ask("revokeCredentials", { credentialId: "one more" });
    expect([status, body.code, body.context]).toEqual([429, "QUOTA_EXCEEDED", { limit: 10_000 }]);
    await revoke({});
    expect(JSON.parse(await readFile(file, "utf8")).revocations).toEqual([
      { revokedAt: expect.any(String), registry: "images" },
    ]);
  });
});

describe("a new signing key", () => {
  test("is taken up under load: pushes and pulls go on, with credentials of both keys, and none fails", async () => {
    const { suite, folder, mint } = await start();
    const client = async (repository: string, permissions: string) =>
      createClient({
        url: suite.registryUrl,
        credentials: { username: "token", password: (await mint(repository, permissions)).password },
      });
    const image = (seed: string) => buildImage({ seed, layers: [100, 50_000] });
    const held = await client("load", "push-pull");
    await pushImage(held, "images/load", "held", image("held"));
    let [rounds, going] = [0, true];
    const worker = async (id: number) => {
      for (let round = 0; going; round += 1) {
        const name = `images/load-${id}`;
        // A lifetime of its own for each round: a new credential, and not the one of the round before.
        const { password } = await mint(name, "push-pull", { ttlSeconds: 1_000 + round });
        const own = createClient({ url: suite.registryUrl, credentials: { username: "token", password } });
        const pushed = image(`${id} ${round}`);
        await pushImage(own, name, "1.0", pushed);
        expect(await pullImage(own, name, "1.0")).toEqual(pushed);
        expect(await pullImage(held, "images/load", "held")).toEqual(image("held"));
        rounds += 1;
      }
    };
    const working = Promise.all([0, 1, 2].map(worker)).finally(() => {
      going = false;
    });
    for (let rotation = 0; rotation < 4; rotation += 1) {
      await rotateKey(folder, { now: new Date(), endAll: false });
      const soFar = rounds;
      await expect.poll(() => !going || rounds >= soFar + 6).toBe(true);
    }
    going = false;
    await working;
    expect(await loadTokenKeys(join(folder, "token.key"))).toHaveLength(5);
    expect((await stat(join(folder, "token.key"))).mode & 0o777).toBe(0o600);
  });

  test("lets the credentials of the old one live to their end, 12 hours, and no longer", async () => {
    const { suite, folder, mint, advance } = await start();
    const { password } = await mint("app", "pull", { ttlSeconds: 43_200 });
    const endsAt = await rotateKey(folder, { now: new Date(), endAll: false });
    advance(43_190_000);
    expect(await counts(suite, password)).toBe(true);
    const [, former] = await loadTokenKeys(join(folder, "token.key"));
    expect(former?.endsAt).toEqual(endsAt);
    const left = endsAt.getTime() - Date.now();
    expect(left).toBeGreaterThan(43_200_000);
    expect(left).toBeLessThanOrEqual(43_260_000);
  });

  test("ends every credential at once where it is told to, also what the function would have handed out again", async () => {
    const { suite, folder, mint } = await start();
    const before = await mint();
    await rotateKey(folder, { now: new Date(), endAll: false });
    expect((await mint()).credentialId).toBe(before.credentialId);
    // The registry remembers a token that it has seen.
    expect(await counts(suite, before.password)).toBe(true);
    await rotateKey(folder, { now: new Date(), endAll: true });
    const after = await mint();
    expect([await counts(suite, before.password), await counts(suite, after.password)]).toEqual([false, true]);
    expect(await loadTokenKeys(join(folder, "token.key"))).toHaveLength(1);
  });

  test("leaves what an earlier version made: its key file, and tokens that name neither key nor credential", async () => {
    const folder = await mkdtemp(join(tmpdir(), "revocation-"));
    const key = randomBytes(32);
    await writeFile(join(folder, "token.key"), key);
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
    const [iat, access] = [
      Math.floor(Date.now() / 1_000) - 60,
      [{ type: "repository", name: "images/app", actions: ["pull"] }],
    ];
    const claims = { sub: '["door","local"]', aud: "registry", iat, exp: iat + 3_600, jti: randomUUID(), access };
    const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
    const old = `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
    const { suite, revoke } = await start({ folder });
    expect(await readFile(join(folder, "token.key"))).toEqual(key);
    expect(await counts(suite, old)).toBe(true);
    await revoke();
    expect(await counts(suite, old)).toBe(true);
    await rotateKey(folder, { now: new Date(), endAll: false });
    expect(await counts(suite, old)).toBe(true);
    await rotateKey(folder, { now: new Date(), endAll: true });
    expect(await counts(suite, old)).toBe(false);
  });

  test("is not made where there is no registry", async () => {
    const { folder } = await start();
    const nowhere = join(folder, "nowhere");
    await expect(rotateKey(nowhere, { now: new Date(), endAll: false })).rejects.toMatchObject({
      code: "INVALID_INPUT",
    });
    await expect(stat(nowhere)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("that cannot be read leaves the former one in place, and describeRegistry says so", async () => {
    const { suite, folder, mint, ask, log } = await start();
    const { password } = await mint();
    const file = join(folder, "token.key");
    const good = await readFile(file);
    await writeFile(file, "not a key");
    expect(await counts(suite, password)).toBe(true);
    expect(await counts(suite, (await mint("base")).password)).toBe(true);
    expect(log).toEqual([expect.stringContaining("signing keys cannot be read again")]);
    expect((await ask("describeRegistry", {})).body.health).toMatchObject({
      status: "degraded",
      findings: [{ message: expect.stringContaining("is not a token key") }],
    });
    await expect(rotateKey(folder, { now: new Date(), endAll: false })).rejects.toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      message: expect.stringContaining("is not a token key"),
    });
    await rm(file);
    for (let i = 0; i < 2; i += 1) {
      expect((await ask("describeRegistry", {})).body.health).toMatchObject({
        status: "degraded",
        findings: [{ message: `${file} is gone.` }],
      });
    }
    expect(await counts(suite, password)).toBe(true);
    await writeFile(file, good);
    expect((await ask("describeRegistry", {})).body.health).toEqual({ status: "healthy", findings: [] });
  });
});
