import { describe, expect, test } from "vitest";
import { startCall } from "../../core/call.ts";
import { operations } from "../../core/operations.ts";
import { withoutPageKey } from "../../core/pages.ts";
import type { CredentialRequest, MintedCredentials } from "../../core/registry.ts";
import type { Capabilities } from "../../core/registry-schemas.ts";
import { createFakeRegistry, fakeCapabilities, fakePassword } from "../support/fake-registry.ts";
import { errorOf, goodInputs } from "../support/inputs.ts";

const start = Date.parse("2026-01-01T00:00:00Z");
const ends = (seconds: number) => ({ expiresAt: new Date(start + seconds * 1_000) });
const scoped = fakeCapabilities.credentials;

interface Case {
  readonly ttlSeconds?: number;
  readonly maxTtlSeconds?: number;
  readonly credentials?: Capabilities["credentials"];
  /** What the platform mints beside, or instead of, what it was asked for. `expiresAt: undefined` mints one without an end. */
  readonly minted?: Partial<MintedCredentials> | { readonly expiresAt: undefined };
}

/** Mints over a platform that does as the case says. */
async function mint({ ttlSeconds, maxTtlSeconds, credentials = scoped, minted = {} }: Case) {
  const fake = createFakeRegistry({ capabilities: { credentials } });
  const requests: CredentialRequest[] = [];
  const told: object[] = [];
  const registry = {
    ...fake,
    async generateCredentials(request: CredentialRequest, call: Parameters<typeof fake.generateCredentials>[1]) {
      requests.push(request);
      const { expiresAt, ...all } = { ...(await fake.generateCredentials(request, call)), ...minted };
      return { ...all, ...(expiresAt && { expiresAt }) };
    },
  };
  const input = { ...goodInputs.generateCredentials, ...(ttlSeconds !== undefined && { ttlSeconds }) };
  const call = startCall({
    requestId: "r",
    caller: { issuer: "aws", subject: "me" },
    signal: new AbortController().signal,
    now: () => new Date(start),
  });
  const answer = () =>
    operations.generateCredentials.parse(input).run(registry, call, {
      findings: [],
      covers: () => true,
      pages: withoutPageKey,
      tell: (outcome) => told.push(outcome),
      ...(maxTtlSeconds !== undefined && { maxTtlSeconds }),
    });
  return { answer, requests, told };
}

describe("the lifetime that the platform is asked for", () => {
  const bounds = (min: number, max: number, byDefault: number) => ({
    ...scoped,
    ttlSeconds: { min, max, default: byDefault },
  });
  test.each<[string, Case, number | undefined]>([
    ["what the caller wishes, where no rule bounds it", { ttlSeconds: 900 }, 900],
    ["none, where nobody says anything", {}, undefined],
    ["what the caller wishes, within the rule", { ttlSeconds: 600, maxTtlSeconds: 900 }, 600],
    ["what the rule allows, where the caller wishes more", { ttlSeconds: 901, maxTtlSeconds: 900 }, 900],
    ["what the rule allows, where the platform's default is more", { maxTtlSeconds: 900 }, 900],
    ["the platform's default, where the rule allows more", { maxTtlSeconds: 7_200 }, 3_600],
    [
      "the platform's shortest, where the rule allows just that",
      { maxTtlSeconds: 900, credentials: bounds(900, 3_600, 3_600) },
      900,
    ],
  ])("is %s", async (_title, options, expected) => {
    const { answer, requests } = await mint(options);
    await answer();
    expect(requests).toHaveLength(1);
    expect(requests[0]?.ttlSeconds).toBe(expected);
  });

  test("is refused where the platform's shortest is longer than the rule allows, and nothing is minted", async () => {
    const { answer, requests, told } = await mint({ maxTtlSeconds: 899, credentials: bounds(900, 3_600, 3_600) });
    expect(await errorOf(answer)).toMatchObject({
      code: "ACCESS_DENIED",
      message: expect.stringContaining("at most 899 s"),
      hint: expect.stringMatching(/The shortest is 900 s\..*maxTtlSeconds/),
      context: { field: "maxTtlSeconds" },
    });
    expect([requests, told]).toEqual([[], []]);
  });
});

describe("what was minted is looked at before it is handed out", () => {
  const { ttlSeconds: _, ...itself } = scoped;
  test.each<[string, Case, string | undefined]>([
    ["as long as the rule allows, and the skew", { maxTtlSeconds: 900, minted: ends(960) }, undefined],
    ["a second longer", { maxTtlSeconds: 900, minted: ends(961) }, "ACCESS_DENIED"],
    ["longer, where no rule bounds it", { minted: ends(100_000) }, undefined],
    ["without an end", { maxTtlSeconds: 900, minted: { expiresAt: undefined } }, "ACCESS_DENIED"],
    ["without an end, where no rule bounds it", { minted: { expiresAt: undefined } }, undefined],
    [
      "by a platform that sets the lifetime, too long",
      { maxTtlSeconds: 900, credentials: itself, minted: ends(3_600) },
      "ACCESS_DENIED",
    ],
    [
      "by a platform that sets the lifetime, short",
      { maxTtlSeconds: 900, credentials: itself, minted: ends(300) },
      undefined,
    ],
    ["wider than the platform declares", { minted: { scope: "registry" } }, "INTERNAL_ERROR"],
    [
      "as wide as the platform declares",
      { credentials: { ...scoped, scope: "registry" }, minted: { scope: "registry" } },
      undefined,
    ],
    ["narrower than the platform declares", { credentials: { ...scoped, scope: "registry" } }, undefined],
  ])("%s", async (_title, options, code) => {
    const { answer, told } = await mint(options);
    if (code === undefined) {
      expect(await answer()).toMatchObject({ password: fakePassword });
      expect(told).toHaveLength(1);
    } else {
      const error = await errorOf(answer);
      expect(error.code).toBe(code);
      expect(JSON.stringify([error.toWire("r"), told])).not.toContain(fakePassword);
      expect(told).toEqual([]);
    }
  });

  test("a refusal of what the platform sets by itself says so", async () => {
    const { answer } = await mint({ maxTtlSeconds: 900, credentials: itself, minted: ends(3_600) });
    expect((await errorOf(answer)).hint).toMatch(/^The platform sets the lifetime by itself\. .*maxTtlSeconds/);
  });
});

describe("what is told to the caller and to the log", () => {
  test("of a new credential", async () => {
    const { answer, requests, told } = await mint({ ttlSeconds: 900 });
    const credentials = await answer();
    const credentialId = requests[0]?.credentialId;
    expect(credentialId).toMatch(/^[0-9a-f-]{36}$/);
    const expiresAt = "2026-01-01T00:15:00.000Z";
    expect(credentials).toStrictEqual({
      authMethod: "basic",
      username: "token",
      password: fakePassword,
      scope: "repository",
      credentialId,
      expiresAt,
    });
    expect(told).toStrictEqual([{ credentialId, reused: false, expiresAt, grantedSeconds: 900 }]);
  });

  test("of one that is handed out again", async () => {
    const { answer, told } = await mint({ minted: { credentialId: "first" } });
    expect(await answer()).toMatchObject({ credentialId: "first" });
    expect(told).toMatchObject([{ credentialId: "first", reused: true }]);
  });

  test("of one without an end", async () => {
    const { answer, requests, told } = await mint({ minted: { expiresAt: undefined } });
    expect(Object.keys(await answer())).not.toContain("expiresAt");
    expect(told).toStrictEqual([{ credentialId: requests[0]?.credentialId, reused: false }]);
  });
});
