import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { registryName } from "../../core/schemas.ts";
import { type Environment, invalidBinding, platformNames } from "../binding.ts";
import type { ConnectOptions } from "../connection.ts";
import { tryParseJson } from "../json.ts";
import { azToken, gcloudToken } from "./cloud-login.ts";

const filled = v.pipe(v.string(), v.minLength(1));

const schema = v.record(
  v.string(),
  v.strictObject({
    registry: registryName,
    url: filled,
    platform: v.picklist(platformNames),
    caFile: v.exactOptional(filled),
    provision: v.exactOptional(filled),
    auth: v.exactOptional(
      v.variant("type", [
        v.strictObject({ type: v.literal("aws"), region: v.exactOptional(filled), profile: v.exactOptional(filled) }),
        v.strictObject({ type: v.literal("gcloud"), impersonate: filled, audience: v.exactOptional(filled) }),
        v.strictObject({ type: v.literal("az"), audience: filled }),
        v.strictObject({ type: v.literal("token"), file: filled }),
        v.strictObject({ type: v.literal("token"), variable: filled }),
      ]),
    ),
  }),
);

type Entry = v.InferOutput<typeof schema>[string];

/** A registry as a person calls it: where its function is, and which login of this machine proves who calls. */
export interface Profile {
  readonly registry: string;
  /** Connects to the function. */
  readonly options: ConnectOptions;
}

/** The file of the profiles: that of `ALIEN_PROFILES`, or the user's own. */
export function profilesFile(env: Environment): string {
  const home = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config");
  return env.ALIEN_PROFILES || join(home, "alien", "profiles.json");
}

/**
 * Finds a profile: the one of that name, or without a name the only one that there is.
 *
 * @returns undefined where no name is given and there is no file
 * @throws BINDING_NOT_CONFIGURED, which names the profiles, and BINDING_CONFIG_INVALID for a file that cannot be used
 */
export async function findProfile(name: string | undefined, env: Environment): Promise<Profile | undefined> {
  const file = profilesFile(env);
  const profiles = await readProfiles(file, name === undefined);
  const names = Object.keys(profiles);
  if (name === undefined && names.length === 0) return undefined;
  const chosen = name ?? (names.length === 1 ? names[0] : undefined);
  const entry = chosen !== undefined && Object.hasOwn(profiles, chosen) ? profiles[chosen] : undefined;
  if (entry !== undefined) return { registry: entry.registry, options: connectOptions(entry) };
  const why = name === undefined ? "There are several profiles." : `There is no profile "${name}".`;
  throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", why, {
    hint: `Pass --profile, or set ALIEN_PROFILE. ${file} has ${names.join(", ") || "none"}.`,
  });
}

async function readProfiles(file: string, mayBeAbsent: boolean): Promise<Readonly<Record<string, Entry>>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (mayBeAbsent && (cause as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw invalidBinding(file, "cannot be read.", 'docs/command-line.md, "Profiles", says what it holds.');
  }
  const { success, output, issues } = v.safeParse(schema, tryParseJson(text));
  if (success) return output;
  const places = issues.map((issue) => v.getDotPath(issue) ?? "the file");
  throw invalidBinding(
    file,
    `is wrong at ${[...new Set(places)].join(", ")}.`,
    'docs/command-line.md, "Profiles", says what it holds.',
  );
}

function connectOptions({ registry: _, auth, ...binding }: Entry): ConnectOptions {
  switch (auth?.type) {
    case "gcloud":
      return { ...binding, token: gcloudToken(auth.impersonate, auth.audience ?? originOf(binding.url)) };
    case "az":
      return { ...binding, token: azToken(auth.audience) };
    default:
      return { ...binding, ...(auth && { auth }) };
  }
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
