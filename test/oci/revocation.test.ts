import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type Credential,
  callerHash,
  followRevocations,
  formatRevocations,
  isRevoked,
  maxRevocations,
  mintToken,
  parseScope,
  type Revocation,
  RevocationsFull,
  withRevocation,
} from "../../oci/token/index.ts";
import { type Answer, ask, type Client, json, startRegistry, temporaryFolder } from "./support.ts";

const now = new Date("2026-03-01T12:00:00.400Z");
const second = Math.floor(now.getTime() / 1_000);
const alice = callerHash("https://issuer.example", "alice");
const credential: Credential = {
  id: "one",
  issuedAt: second,
  registry: "images",
  repositories: ["images/app", "images/base"],
  permissions: "push-pull",
};
const token = { subject: alice, access: [], expiresAt: new Date("2026-03-01T13:00:00Z"), credential };
const all: Revocation = { revokedAt: now.toISOString(), registry: "images" };

describe("a revocation", () => {
  it.each<[string, Partial<Revocation>, boolean]>([
    ["of the registry", {}, true],
    ["of another registry", { registry: "builds" }, false],
    ["of the repository", { repository: "images/app" }, true],
    ["of a repository that it may only read", { repository: "images/base" }, true],
    ["of another repository", { repository: "images/ap" }, false],
    ["of the permission", { permissions: "push-pull" }, true],
    ["of another permission", { permissions: "pull" }, false],
    ["of the caller", { caller: alice }, true],
    ["of the same subject of another issuer", { caller: callerHash("https://other.example", "alice") }, false],
    ["of the credential", { credentialId: "one" }, true],
    ["of another credential", { credentialId: "two" }, false],
    [
      "of all at once",
      { repository: "images/app", permissions: "push-pull", caller: alice, credentialId: "one" },
      true,
    ],
    [
      "of all but the repository",
      { repository: "x", permissions: "push-pull", caller: alice, credentialId: "one" },
      false,
    ],
    [
      "of all but the permission",
      { repository: "images/app", permissions: "pull", caller: alice, credentialId: "one" },
      false,
    ],
    [
      "of all but the caller",
      { repository: "images/app", permissions: "push-pull", caller: "x", credentialId: "one" },
      false,
    ],
    [
      "of all but the id",
      { repository: "images/app", permissions: "push-pull", caller: alice, credentialId: "x" },
      false,
    ],
    ["at the end of the same second", { revokedAt: "2026-03-01T12:00:00.999Z" }, true],
    ["at the start of the same second", { revokedAt: "2026-03-01T12:00:00.000Z" }, true],
    ["in the second before", { revokedAt: "2026-03-01T11:59:59.999Z" }, false],
    ["a second later", { revokedAt: "2026-03-01T12:00:01Z" }, true],
  ])("%s ends it: %s %s", (_title, fields, ends) => {
    expect(
      isRevoked(
        [
          { ...all, registry: "builds" },
          { ...all, ...fields },
        ],
        token,
      ),
    ).toBe(ends);
  });

  it("ends no token that names no credential: those of earlier versions, of operators, and the adapter's own", () => {
    const { credential: _, ...without } = token;
    expect(isRevoked([all], without)).toBe(false);
  });
});

describe("the hash of a caller", () => {
  it("stays as it is, because tokens and lists that were written hold it", () => {
    expect(alice).toBe("ylC0vCMqrWEk_8-XCCHWCP");
  });

  it("keeps issuer and subject apart", () => {
    expect(callerHash("a", "bc")).not.toBe(callerHash("ab", "c"));
  });
});

describe("a list of revocations", () => {
  const add = (list: readonly Revocation[], entry: Revocation, at = now) =>
    withRevocation(list, entry, { now: at, longestMs: 43_200_000 });
  const days = (count: number) => new Date(now.getTime() + count * 86_400_000);
  const one = (index: number, revokedAt = all.revokedAt): Revocation => ({
    ...all,
    revokedAt,
    credentialId: String(index),
  });

  it("leaves out what a new entry includes, and nothing else", () => {
    const others: Revocation[] = [
      { ...all, registry: "builds" },
      { ...all, revokedAt: "2026-03-01T12:00:01.000Z", repository: "images/app" },
    ];
    const included: Revocation[] = [all, { ...all, repository: "images/app", caller: alice }];
    expect(add([...others, ...included], all)).toEqual([...others, all]);
    expect(add([all], { ...all, repository: "images/app" })).toEqual([all, { ...all, repository: "images/app" }]);
  });

  it("keeps an entry for 366 days", () => {
    expect(add([all], one(1), new Date(days(366).getTime() - 1))).toHaveLength(2);
    expect(add([all], one(1), days(366))).toHaveLength(1);
  });

  it("holds 10,000. A new one takes the place of those whose credentials have ended, or that it includes", () => {
    const full = Array.from({ length: maxRevocations }, (_, index) => one(index));
    expect(add(full.slice(1), one(-1))).toHaveLength(maxRevocations);
    expect(() => add(full, one(-1))).toThrow(RevocationsFull);
    expect(add(full, all)).toEqual([all]);
    const halfADayLater = new Date(now.getTime() + 43_202_000);
    expect(() => add(full, one(-1), new Date(halfADayLater.getTime() - 1))).toThrow(RevocationsFull);
    const young = one(-1, halfADayLater.toISOString());
    expect(add([...full.slice(1), young], one(-2), halfADayLater)).toEqual([young, one(-2)]);
  });

  it("is read as it was written, and again when it has changed", async () => {
    const file = join(await temporaryFolder(), "revoked.json");
    const read = followRevocations(file);
    expect(await read()).toEqual([]);
    const list = [all, { ...all, repository: "images/app", permissions: "pull", caller: alice, credentialId: "one" }];
    await writeFile(file, formatRevocations(list));
    const first = await read();
    expect(first).toEqual(list);
    expect(await read()).toBe(first);
    await writeFile(file, formatRevocations([]));
    expect(await read()).toEqual([]);
    await rm(file);
    expect(await read()).toEqual([]);
  });

  it.each([
    "",
    "{",
    "null",
    "[]",
    '{"revocations":{}}',
    '{"revocations":[null]}',
    '{"revocations":[{"registry":"images"}]}',
    '{"revocations":[{"revokedAt":"never","registry":"images"}]}',
    '{"revocations":[{"revokedAt":"2026-03-01T12:00:00Z"}]}',
    '{"revocations":[{"revokedAt":"2026-03-01T12:00:00Z","registry":"images","repositroy":"images/app"}]}',
    '{"revocations":[{"revokedAt":"2026-03-01T12:00:00Z","registry":"images","credentialId":1}]}',
    formatRevocations([all]).slice(0, -4),
  ])("is refused when it is damaged, and read when it is mended: %s", async (damaged) => {
    const file = join(await temporaryFolder(), "revoked.json");
    await writeFile(file, damaged);
    const read = followRevocations(file);
    const refused = { message: expect.stringContaining(`${file} cannot be read`), cause: expect.any(Error) };
    for (const _again of [1, 2]) await expect(read()).rejects.toMatchObject(refused);
    await writeFile(file, formatRevocations([all]));
    expect(await read()).toEqual([all]);
  });
});

describe("a registry with a list of revocations", () => {
  const basic = (password: string) => `Basic ${Buffer.from(`token:${password}`).toString("base64")}`;
  const get = (client: Client, authorization: string) =>
    ask("GET", `${client.url}/v2/images/app/tags/list`, { headers: { Authorization: authorization } });
  /** 404: there is no such repository, which nobody but a caller is told. */
  const status = async (answer: Promise<Answer>) => (await answer).status;

  async function start(log?: (message: string, cause: unknown) => void) {
    const dataDir = await temporaryFolder();
    const file = join(dataDir, "revoked.json");
    const client = await startRegistry({ dataDir, revocations: followRevocations(file), ...(log && { log }) });
    const mint = (fields: Partial<Credential>, scope = "repository:images/app:pull,push") =>
      mintToken(client.key, {
        subject: alice,
        access: parseScope(scope),
        audience: "registry",
        expiresAt: new Date(Date.now() + 3_600_000),
        credential: { ...credential, issuedAt: Math.floor(Date.now() / 1_000), ...fields },
      });
    const revoke = (fields: Partial<Revocation>) =>
      writeFile(file, formatRevocations([{ ...all, revokedAt: new Date().toISOString(), ...fields }]));
    const exchange = async (password: string, scope: string): Promise<string> => {
      const url = `${client.url}/token?service=registry&scope=${scope}`;
      return json<{ token: string }>(await ask("GET", url, { headers: { Authorization: basic(password) } })).token;
    };
    return { client, file, mint, revoke, exchange };
  }

  it("refuses a revoked credential at once, and all that it was exchanged for, by Basic and by Bearer; others go on", async () => {
    const { client, mint, revoke, exchange } = await start();
    const [bad, good] = [mint({ id: "bad" }), mint({ id: "good" })];
    const [badBearer, goodBearer] = [
      await exchange(bad, "repository:images/app:pull"),
      await exchange(good, "repository:images/app:pull"),
    ];
    // A second exchange, of a token that itself came from one.
    const again = await exchange(badBearer, "repository:images/app:pull");
    const refused = [basic(bad), `Bearer ${bad}`, `Bearer ${badBearer}`, basic(badBearer), `Bearer ${again}`];
    const taken = [
      basic(good),
      `Bearer ${good}`,
      `Bearer ${goodBearer}`,
      `Bearer ${client.token("repository:images/app:pull")}`,
    ];
    for (const each of [...refused, ...taken]) expect(await status(get(client, each))).toBe(404);
    await revoke({ credentialId: "bad" });
    for (const each of refused) {
      const answer = await get(client, each);
      expect([answer.status, answer.headers["www-authenticate"]?.includes('error="invalid_token"')]).toEqual([
        401,
        true,
      ]);
    }
    const asked = await ask("GET", `${client.url}/token`, { headers: { Authorization: basic(bad) } });
    expect(asked.status).toBe(401);
    for (const each of taken) expect(await status(get(client, each))).toBe(404);
    await revoke({ credentialId: "another" });
    expect(await status(get(client, basic(bad)))).toBe(404);
  });

  it("ends a bearer by the repositories of its credential, also where it opens fewer or none", async () => {
    const { client, mint, revoke, exchange } = await start();
    const password = mint({ repositories: ["images/app", "images/base"] });
    const bearers = [await exchange(password, "repository:images/app:pull"), await exchange(password, "")];
    const base = (bearer: string) =>
      ask("GET", `${client.url}/v2/`, { headers: { Authorization: `Bearer ${bearer}` } });
    for (const bearer of bearers) expect(await status(base(bearer))).toBe(200);
    await revoke({ repository: "images/base" });
    for (const bearer of bearers) expect(await status(base(bearer))).toBe(401);
  });

  it("takes no credentials while the list cannot be read, says so once, and opens when it is mended", async () => {
    const log: string[] = [];
    const { client, file, mint, revoke } = await start((message) => void log.push(message));
    const password = mint({});
    expect(await status(get(client, basic(password)))).toBe(404);
    const closed = async () => {
      const answers = [await get(client, basic(password)), await get(client, `Bearer ${client.token("")}`)];
      answers.push(await ask("GET", `${client.url}/token`, { headers: { Authorization: basic(password) } }));
      for (const { status, code, headers } of answers) {
        expect([status, code, headers["retry-after"]]).toEqual([503, "UNAVAILABLE", "10"]);
      }
    };
    await writeFile(file, "{");
    await closed();
    const told = () => log.filter((message) => message.includes(`${file} cannot be read`));
    expect(told()).toHaveLength(1);
    await rm(file);
    await mkdir(file);
    await closed();
    expect(told()).toHaveLength(2);
    await rm(file, { recursive: true });
    await revoke({ credentialId: "another" });
    expect(await status(get(client, basic(password)))).toBe(404);
    // Without a credential there is nothing to look up.
    expect(await status(ask("GET", `${client.url}/v2/`))).toBe(401);
  });

  it("says at its start that it takes no credentials", async () => {
    const dataDir = await temporaryFolder();
    const file = join(dataDir, "revoked.json");
    await writeFile(file, "damaged");
    const log: string[] = [];
    const client = await startRegistry({
      dataDir,
      revocations: followRevocations(file),
      log: (message) => void log.push(message),
    });
    expect(log).toEqual([expect.stringMatching(/^The registry takes no credentials: .*revoked\.json cannot be read/)]);
    expect(await status(get(client, `Bearer ${client.token("")}`))).toBe(503);
  });
});
