import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { Secret } from "../../../core/secret.ts";
import type { AccountField, AccountFiles } from "../binding.ts";

/** The user name and password of an account at the registry. */
export interface Account {
  readonly username: string;
  readonly password: Secret;
}

/** How often we read the files at most. Kubernetes replaces a Secret once in minutes, so two readings in a row soon agree. */
const readings = 20;

/**
 * Reads an account from its files. We read them for each request, because Kubernetes replaces what is mounted while the
 * function runs.
 *
 * @param place the registry's host, and its repository prefix if there is one, as `registry.example/images`. They decide which
 *   entry of a Docker configuration counts
 * @throws BINDING_CONFIG_INVALID for a file that is missing, empty or not understood; the error never quotes the file
 */
export async function readAccount(files: AccountFiles, field: AccountField, place: string): Promise<Account> {
  if ("dockerConfigFile" in files) {
    const { dockerConfigFile: file } = files;
    return dockerConfigAccount(await readMountedFile(file, field), place, (why) => fileRefused(field, file, why));
  }
  const { usernameFile, passwordFile } = files;
  const read = async () =>
    [await readMountedFile(usernameFile, field), await readMountedFile(passwordFile, field)] as const;
  let [username, password] = await read();
  // Two readings in a row must agree. If Kubernetes replaced the files in between, an old name could get a new password.
  for (let i = 1; ; i++) {
    const [again, andAgain] = await read();
    if (again === username && andAgain === password) break;
    if (i === readings) throw fileRefused(field, passwordFile, "is different each time it is read");
    [username, password] = [again, andAgain];
  }
  if (username.includes(":")) throw fileRefused(field, usernameFile, "holds a colon, which no user name may");
  return { username, password: new Secret(password) };
}

/** Reads the text of a mounted file without the line end that editors leave. @throws BINDING_CONFIG_INVALID */
export async function readMountedFile(file: string, field: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, "utf8")).replace(/[\r\n]+$/, "");
  } catch (error) {
    throw fileRefused(field, file, `cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`, error);
  }
  if (text === "") throw fileRefused(field, file, "is empty");
  return text;
}

const text = v.pipe(v.string(), v.minLength(1));
const dockerConfig = v.looseObject({ auths: v.record(v.string(), v.unknown()) });
const plainEntry = v.looseObject({ username: text, password: text });
const encodedEntry = v.looseObject({ auth: text });

/**
 * Finds the registry's account in a Docker configuration (`{"auths": {"registry.example": {"auth": "…"}}}`). A key may name a
 * part of the registry, as `registry.example/team`. The longest key that covers the whole place counts (containers-auth.json(5),
 * and Kubernetes, "Images": interpretation of config.json).
 */
function dockerConfigAccount(json: string, place: string, refuse: (why: string) => Error): Account {
  const config = v.safeParse(dockerConfig, parseJson(json));
  if (!config.success) throw refuse('is not a Docker configuration with "auths"');
  const wanted = withoutAliases(place);
  const [best] = Object.entries(config.output.auths)
    .map(([key, entry]) => ({ key: withoutAliases(placeOf(key)), entry }))
    .filter(({ key }) => wanted === key || wanted.startsWith(`${key}/`))
    .sort((one, other) => other.key.length - one.key.length);
  const entry = best?.entry;
  if (typeof entry !== "object" || entry === null) throw refuse(`has no entry for ${place}`);
  const plain = v.safeParse(plainEntry, entry);
  const [, username = "", password = ""] = plain.success
    ? [undefined, plain.output.username, plain.output.password]
    : (/^([^:]+):(.+)$/s.exec(decoded(entry)) ?? []);
  if (username === "") throw refuse(`has no user name and password for ${place}`);
  return { username, password: new Secret(password) };
}

/** Reads what a key covers. Older tools write a URL in its place, and the API's version as its path. */
function placeOf(key: string): string {
  const url = URL.parse(key.includes("://") ? key : `https://${key}`);
  return url === null ? "" : `${url.host}${url.pathname}`.replace(/(?:\/v[12])?\/*$/, "");
}

/** Docker Hub has one account under several names. `docker login` writes `https://index.docker.io/v1/` (docker/cli, `IndexServer`). */
function withoutAliases(place: string): string {
  return place.replace(/^(?:registry-1\.docker\.io|index\.docker\.io|registry\.hub\.docker\.com)(?=\/|$)/, "docker.io");
}

function decoded(entry: object): string {
  const encoded = v.safeParse(encodedEntry, entry);
  return encoded.success ? Buffer.from(encoded.output.auth, "base64").toString("utf8") : "";
}

/** The parser's own message is not kept, since it quotes the text. */
function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function fileRefused(field: string, file: string, why: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The file ${file} of the binding's ${field} ${why}.`, {
    hint: "Check that the Secret is mounted there and has this key.",
    context: { field, file },
    cause,
  });
}
