import { describe, expect, test } from "vitest";
import { type Call, startCall } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { Secret } from "../../../core/secret.ts";
import { createRefreshTokens, type RefreshToken } from "../../../functions/azure/acr/refresh-tokens.ts";
import { errorOf } from "../../support/inputs.ts";

const hours = 3 * 3_600_000;

/** Tokens of three hours, on a clock that the test turns; an exchange ends when the test says so. */
function bench(lifetimeMs: number | null = hours) {
  let now = Date.UTC(2030, 0, 1);
  const pending: { resolve(): void; reject(error: unknown): void }[] = [];
  const tokens = createRefreshTokens(
    () =>
      new Promise<RefreshToken>((resolve, reject) => {
        const token = new Secret(`token ${pending.length + 1}`);
        const expiresAt = lifetimeMs === null ? {} : { expiresAt: new Date(now + lifetimeMs) };
        pending.push({ resolve: () => resolve({ token, ...expiresAt }), reject });
      }),
  );
  const call = (signal: AbortSignal = new AbortController().signal): Call =>
    startCall({ requestId: "r", caller: { issuer: "door", subject: "test" }, signal, now: () => new Date(now) });
  const text = async (got: ReturnType<typeof tokens.get>) => (await got).token.reveal();
  const pass = (milliseconds: number) => {
    now += milliseconds;
  };
  return { tokens, pending, call, text, pass };
}

describe("a registry's refresh token", () => {
  test("is exchanged once for all who need it at the same time, and kept", async () => {
    const { tokens, pending, call, text } = bench();
    const asked = Array.from({ length: 20 }, () => text(tokens.get(call())));
    expect(pending).toHaveLength(1);
    pending[0]?.resolve();
    expect(new Set(await Promise.all(asked))).toEqual(new Set(["token 1"]));
    expect(await tokens.get(call())).toMatchObject({ fresh: false });
    expect(pending).toHaveLength(1);
  });

  test("is used until shortly before its end", async () => {
    const { tokens, pending, call, text, pass } = bench();
    const first = text(tokens.get(call()));
    pending[0]?.resolve();
    await first;
    pass(hours - 5 * 60_000 - 1);
    expect(await text(tokens.get(call()))).toBe("token 1");
    pass(1);
    const second = text(tokens.get(call()));
    expect(pending).toHaveLength(2);
    pending[1]?.resolve();
    expect(await second).toBe("token 2");
  });

  test("that does not tell its end is used once", async () => {
    const { tokens, pending, call, text } = bench(null);
    for (const count of [1, 2]) {
      const got = text(tokens.get(call()));
      expect(pending).toHaveLength(count);
      pending[count - 1]?.resolve();
      expect(await got).toBe(`token ${count}`);
    }
  });

  test("that was dropped is not used again, and one that replaced it is", async () => {
    const { tokens, pending, call } = bench();
    const first = tokens.get(call());
    pending[0]?.resolve();
    const { token } = await first;
    tokens.drop(token);
    const second = tokens.get(call());
    pending[1]?.resolve();
    await second;
    tokens.drop(token);
    expect((await tokens.get(call())).token.reveal()).toBe("token 2");
  });

  test("a failed exchange is told to all who waited, and tried anew by the next", async () => {
    const { tokens, pending, call } = bench();
    const asked = [1, 2].map(() => errorOf(() => tokens.get(call())));
    pending[0]?.reject(new ArtifactRegistryError("ACCESS_DENIED", "no"));
    expect((await Promise.all(asked)).map(({ code }) => code)).toEqual(["ACCESS_DENIED", "ACCESS_DENIED"]);
    const next = tokens.get(call());
    pending[1]?.resolve();
    expect((await next).fresh).toBe(true);
  });

  test("whoever began and went away fails nobody else", async () => {
    const { tokens, pending, call, text } = bench();
    const leaver = new AbortController();
    const first = errorOf(() => tokens.get(call(leaver.signal)));
    const second = text(tokens.get(call()));
    leaver.abort();
    pending[0]?.reject(new ArtifactRegistryError("TIMEOUT", "gone", { retryable: true }));
    expect((await first).code).toBe("TIMEOUT");
    await expect.poll(() => pending.length).toBe(2);
    pending[1]?.resolve();
    expect(await second).toBe("token 2");
  });

  test("whoever waits for another's exchange waits no longer than its own time", async () => {
    const { tokens, pending, call } = bench();
    const first = tokens.get(call());
    const waiter = new AbortController();
    const second = errorOf(() => tokens.get(call(waiter.signal)));
    waiter.abort();
    expect(await second).toMatchObject({ code: "TIMEOUT", retryable: true });
    pending[0]?.resolve();
    expect((await first).token.reveal()).toBe("token 1");
  });
});
