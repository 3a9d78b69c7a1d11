import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { ArtifactRegistryError, invalidInput } from "./errors.ts";
import type { Environment } from "./platform.ts";
import type { Page, PageRequest } from "./registry.ts";

/**
 * Makes the tokens by which a list goes on, and reads them. A token is sealed, because it may hold the name of a repository that
 * its caller may not see, and it is good for one list alone.
 */
export interface PageTokens {
  /** Whether there is a key. Without one a list ends with its first page. */
  readonly lasting: boolean;
  /** @param list what the token is good for: the operation, the registry, the caller, and what else the list is about */
  seal(cursor: string, list: readonly string[], now: Date): string | undefined;
  /** @throws INVALID_INPUT for a token that is stale, of another list, or not ours */
  open(token: string, list: readonly string[], now: Date): string;
}

/** Seconds for which a token is good. */
const lifetimeSeconds = 3_600;
const algorithm = "aes-256-gcm";
const [nonceBytes, tagBytes] = [12, 16];
const field = "pageToken";
const anew = "Begin the list anew, without a pageToken.";

/** For processes without a key: a list has one page. */
export const withoutPageKey: PageTokens = {
  lasting: false,
  seal: () => undefined,
  open() {
    const hint = "The operator can set ALIEN_PAGE_KEY. Without it a list ends with its first page.";
    throw invalidInput("This function reads no page tokens: it has no key for them.", field, hint);
  },
};

/**
 * Reads `ALIEN_PAGE_KEY`: 32 bytes in base64. During a rotation it holds two keys, with a comma between them: tokens are sealed
 * under the first one, and both open.
 *
 * @throws BINDING_CONFIG_INVALID for anything else
 *
 * @example
 * readPageKey({ ALIEN_PAGE_KEY: randomBytes(32).toString("base64") });
 */
export function readPageKey({ ALIEN_PAGE_KEY: text = "" }: Environment): PageTokens {
  if (text === "") return withoutPageKey;
  const keys = text.split(",").map((each) => each.trim());
  if (keys.length > 2 || !keys.every((each) => /^[\w+/-]{43}=?$/.test(each))) {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "ALIEN_PAGE_KEY is not a key of 32 bytes in base64.", {
      hint: "Make one: openssl rand -base64 32. During a rotation write the new key, a comma and the old one.",
      context: { variable: "ALIEN_PAGE_KEY" },
    });
  }
  return pageTokens(keys.map((each) => Buffer.from(each, "base64")));
}

/** For a process whose lists nobody else goes on with: its key lives as long as itself. */
export function passingPageKey(): PageTokens {
  return pageTokens([randomBytes(32)]);
}

function pageTokens(keys: readonly Buffer[]): PageTokens {
  const [newest] = keys;
  if (newest === undefined) return withoutPageKey;
  const boundTo = (list: readonly string[]) => Buffer.from(JSON.stringify(["page", ...list]));
  const openWith = (key: Buffer, sealed: Buffer, list: readonly string[]): string | undefined => {
    try {
      const opening = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
      opening.setAAD(boundTo(list)).setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
      return opening.update(sealed.subarray(nonceBytes + tagBytes), undefined, "utf8") + opening.final("utf8");
    } catch {
      return undefined;
    }
  };
  return {
    lasting: true,
    seal(cursor, list, now) {
      const nonce = randomBytes(nonceBytes);
      const sealing = createCipheriv(algorithm, newest, nonce, { authTagLength: tagBytes }).setAAD(boundTo(list));
      const endsAt = Math.floor(now.getTime() / 1_000) + lifetimeSeconds;
      const text = Buffer.concat([sealing.update(`${endsAt} ${cursor}`, "utf8"), sealing.final()]);
      return Buffer.concat([nonce, sealing.getAuthTag(), text]).toString("base64url");
    },
    open(token, list, now) {
      const sealed = Buffer.from(token, "base64url");
      // Only what we wrote is read: a decoder takes other texts for the same bytes.
      const isOurs = sealed.length > nonceBytes + tagBytes && sealed.toString("base64url") === token;
      const texts = isOurs ? keys.map((key) => openWith(key, sealed, list)) : [];
      const [, endsAt, cursor] = /^(\d+) (.*)$/s.exec(texts.find((text) => text !== undefined) ?? "") ?? [];
      if (endsAt === undefined || cursor === undefined) {
        throw invalidInput(
          "The page token is not one of this list: it was made for another one, or changed.",
          field,
          anew,
        );
      }
      if (Number(endsAt) * 1_000 <= now.getTime()) throw staleCursor("The page token is older than an hour.");
      return cursor;
    },
  };
}

/** The refusal of a page that the platform no longer knows. @param message a sentence that says why */
export function staleCursor(message = "The platform no longer knows the page of this token."): ArtifactRegistryError {
  return invalidInput(message, field, anew);
}

/** The tokens of one list. */
export interface ListTokens {
  readonly pages: PageTokens;
  /** What a token of this list is bound to. */
  readonly list: readonly string[];
  now(): Date;
}

/**
 * Reads one page of a list, of which the caller gets what it may see.
 *
 * @param read asks the platform for one page
 * @param keeps whether the caller may see an item
 * @param tokens `mostReads`: how many of the platform's pages are read until one holds anything that the caller may see. Default 1
 * @throws INVALID_INPUT for a token that does not belong here, before anything is asked
 */
export async function readPage<Item>(
  read: (page: PageRequest) => Promise<Page<Item>>,
  keeps: (item: Item) => boolean,
  { pageToken, pageSize = 100 }: { readonly pageToken?: string | undefined; readonly pageSize?: number | undefined },
  { pages, list, now, mostReads = 1 }: ListTokens & { readonly mostReads?: number },
): Promise<{ readonly items: readonly Item[]; readonly nextPageToken?: string }> {
  let cursor = pageToken === undefined ? undefined : pages.open(pageToken, list, now());
  for (let reads = 1; ; reads++) {
    const { items, next } = await read({ cursor, pageSize });
    const kept = items.filter(keeps);
    if (next === undefined) return { items: kept };
    if (kept.length > 0 || reads >= mostReads) {
      const nextPageToken = pages.seal(next, list, now());
      return { items: kept, ...(nextPageToken !== undefined && { nextPageToken }) };
    }
    cursor = next;
  }
}
