import { isIP, isIPv6 } from "node:net";
import { ArtifactRegistryError } from "./errors.ts";
import { LruMap } from "./lru-map.ts";
import type { Environment } from "./platform.ts";
import { readWhole } from "./server/process.ts";

/** How much one key may use: a bucket of so many tokens, which is filled at so many a second. */
export interface BudgetSize {
  /** Tokens a second; 0 sets no limit. */
  readonly perSecond: number;
  /** Tokens at once. */
  readonly burst: number;
}

/** A token bucket for each key. It protects this process only: another one has buckets of its own. */
export interface Budget {
  /**
   * Takes one token.
   *
   * @returns 0 where there was one, else the seconds after which there will be one
   */
  take(key: string): number;
}

/** How many keys are remembered. Of the others, whoever was away longest begins anew with a full bucket. */
const keysAtMost = 10_000;

/**
 * @param now milliseconds of a clock that never goes back
 *
 * @example
 * const budget = createBudget({ perSecond: 20, burst: 100 });
 * const seconds = budget.take("https://issuer.example me");
 * if (seconds > 0) throw overBudget("The caller", seconds);
 */
export function createBudget({ perSecond, burst }: BudgetSize, now = () => performance.now()): Budget {
  const buckets = new LruMap<string, { readonly tokens: number; readonly at: number }>(keysAtMost);
  return {
    take(key) {
      if (perSecond === 0) return 0;
      const at = now();
      const last = buckets.get(key) ?? { tokens: burst, at };
      const tokens = Math.min(burst, last.tokens + ((at - last.at) / 1_000) * perSecond);
      if (tokens < 1) return (1 - tokens) / perSecond;
      buckets.set(key, { tokens: tokens - 1, at });
      return 0;
    },
  };
}

/** @param who has used up its budget, as `The caller` */
export function overBudget(who: string, seconds: number): ArtifactRegistryError {
  return new ArtifactRegistryError("RATE_LIMIT_EXCEEDED", `${who} sends more requests than its budget allows.`, {
    retryable: true,
    retryAfterSeconds: seconds,
    hint: "Wait as long as Retry-After says. The operator can set ALIEN_CALLER_REQUESTS_PER_SECOND and ALIEN_CALLER_BURST.",
  });
}

/** What one caller and one source may use, and how far `X-Forwarded-For` is believed. */
export interface Limits {
  readonly caller: BudgetSize;
  /** Failed authentications from one address. */
  readonly failures: BudgetSize;
  /** How many proxies in front of the function add to `X-Forwarded-For`. */
  readonly trustedProxies: number;
}

const unlimited = { perSecond: 0, burst: 0 } as const;

/** Sets no limit, and believes no proxy. */
export const noLimits: Limits = { caller: unlimited, failures: unlimited, trustedProxies: 0 };

/** The largest number that any of the settings may be. */
const most = 999_999;

/** @throws BINDING_CONFIG_INVALID naming the variable */
export function readLimits(env: Environment): Limits {
  const failures = readWhole(env, "ALIEN_FAILED_LOGINS_PER_SECOND", 5, { min: 0, max: most });
  return {
    caller: {
      perSecond: readWhole(env, "ALIEN_CALLER_REQUESTS_PER_SECOND", 20, { min: 0, max: most }),
      burst: readWhole(env, "ALIEN_CALLER_BURST", 100, { min: 1, max: most }),
    },
    failures: { perSecond: failures, burst: failures },
    trustedProxies: readWhole(env, "ALIEN_TRUSTED_PROXIES", 0, { min: 0, max: most }),
  };
}

/**
 * The address that a request came from, by what each proxy on the way has added to `X-Forwarded-For`. Whatever stands before
 * the entries of the trusted proxies was written by the sender, and may be anything.
 *
 * @param address the address of the connection, where the platform tells
 */
export function sourceAddress(
  address: string | undefined,
  forwardedFor: string | null,
  trustedProxies: number,
): string | undefined {
  const hops = [...(forwardedFor ?? "").split(",").map((each) => each.trim()), address ?? ""].filter(
    (each, place, all) => each !== "" || place === all.length - 1,
  );
  // Some proxies add the port.
  const hop = hops.at(-1 - trustedProxies) ?? hops[0] ?? "";
  const bare = /^\[(.+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
  return isIP(bare) === 0 ? address : bare;
}

/** The key of an address: who has one IPv6 address has the 2^64 beside it, too. */
export function networkOf(address: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined || !isIPv6(address)) return v4 ?? address;
  const [head = "", tail = ""] = address.toLowerCase().replace(/%.*/, "").split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail.split(":");
  const gap = Array<string>(Math.max(0, 8 - front.length - back.length)).fill("0");
  return [...front, ...gap, ...back]
    .slice(0, 4)
    .map((each) => each.replace(/^0+(?=.)/, ""))
    .join(":");
}
