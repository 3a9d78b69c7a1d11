import { Secret } from "../../../core/secret.ts";
import { refused } from "./mounted-file.ts";

export interface Account {
  readonly username: string;
  readonly password: Secret;
}

/**
 * The account of a registry in a Docker configuration (`{"auths": {"registry.example": {"auth": "…"}}}`).
 *
 * @throws BINDING_CONFIG_INVALID where there is none; the parser's own message is not kept, since it quotes the text
 */
export function dockerConfigAccount(text: string, file: string, field: string, host: string): Account {
  const auths = member(parse(text), "auths");
  if (!isObject(auths)) throw refused(field, file, 'is not a Docker configuration with "auths"');
  const entry = Object.entries(auths).find(([server]) => hostOf(server) === host)?.[1];
  if (!isObject(entry)) throw refused(field, file, `has no entry for ${host}`);
  const account = plain(entry) ?? encoded(entry);
  if (account === undefined) throw refused(field, file, `has no user name and password for ${host}`);
  return account;
}

function plain(entry: object): Account | undefined {
  return accountOf(member(entry, "username"), member(entry, "password"));
}

function encoded(entry: object): Account | undefined {
  const auth = member(entry, "auth");
  if (typeof auth !== "string") return undefined;
  const pair = Buffer.from(auth, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  return colon < 0 ? undefined : accountOf(pair.slice(0, colon), pair.slice(colon + 1));
}

function accountOf(username: unknown, password: unknown): Account | undefined {
  if (typeof username !== "string" || typeof password !== "string" || username === "" || password === "")
    return undefined;
  return { username, password: new Secret(password) };
}

/** Servers are written as hosts, and by older tools as URLs. */
function hostOf(server: string): string | undefined {
  return URL.parse(server.includes("://") ? server : `https://${server}`)?.host;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function member(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}
