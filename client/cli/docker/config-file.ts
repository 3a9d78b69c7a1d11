import { mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { followLinks, removeLeftovers, writeWholeFile } from "../../../core/whole-file.ts";
import type { Environment } from "../../binding.ts";
import { isObject, tryParseObject } from "../../json.ts";
import { withLock } from "./lock.ts";

/** The parts of Docker's configuration that a login changes. Everything else stays as it is. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, object>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

/** Where Docker's command line looks for its configuration. */
export function configFile(env: Environment): string {
  return join(env.DOCKER_CONFIG || join(homedir(), ".docker"), "config.json");
}

/** @returns an empty configuration when there is no file @throws BINDING_CONFIG_INVALID when it cannot be read */
export async function readConfig(file: string): Promise<DockerConfig> {
  return parseConfig(file, await readText(file));
}

/** @returns undefined when there is no file */
async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw invalidConfig(`${file} cannot be read.`, cause);
  }
}

function parseConfig(file: string, content = ""): DockerConfig {
  if (content.trim() === "") return {};
  const config = tryParseObject(content);
  if (config === undefined) throw invalidConfig(`${file} is not a JSON object.`);
  const { auths, credHelpers, credsStore } = config;
  for (const [name, value] of Object.entries({ auths, credHelpers })) {
    if (value !== undefined && !isObject(value)) throw invalidConfig(`"${name}" in ${file} is not a JSON object.`);
  }
  if (credsStore !== undefined && typeof credsStore !== "string")
    throw invalidConfig(`"credsStore" in ${file} is not a string.`);
  return config;
}

/**
 * Finds the credential helper for a host: its own, or else the one for all.
 *
 * @throws BINDING_CONFIG_INVALID for a bad name
 */
export function helperFor({ credHelpers = {}, credsStore }: DockerConfig, host: string): string | undefined {
  const helper: unknown = (Object.hasOwn(credHelpers, host) ? credHelpers[host] : undefined) ?? credsStore;
  if (helper === undefined || helper === "") return undefined;
  // The name becomes part of the name of a program.
  if (typeof helper === "string" && /^[\w.-]+$/.test(helper)) return helper;
  throw invalidConfig("In Docker's config.json, the name of the credential helper is not the name of a program.");
}

/**
 * Changes the configuration as a whole. Nobody sees half of a change, and a change that fails leaves the file as it
 * was. Only its owner can read the file.
 *
 * Our own edits take turns through a lock beside the file. Docker does not know that lock. If it writes the file after
 * we have read it, we see that right before we replace the file, and make the edit again.
 *
 * @param edit may run more than once
 * @param signal ends the wait for the lock
 * @param staleAfterMs milliseconds after which an unchanged lock counts as left behind; for tests
 * @throws BINDING_CONFIG_INVALID when the file cannot be read or written; the reason of the signal
 */
export async function editConfig(
  file: string,
  edit: (config: DockerConfig) => DockerConfig,
  signal: AbortSignal,
  staleAfterMs?: number,
): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const target = await followLinks(file);
    await withLock(`${target}.alien-registry.lock`, { signal, staleAfterMs }, async () => {
      await removeLeftovers(target);
      while (!(await tryEdit(target, edit))) signal.throwIfAborted();
    });
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (cause instanceof ArtifactRegistryError) throw cause;
    const why = (cause as NodeJS.ErrnoException).code ?? "not all of it was written";
    throw invalidConfig(
      `${file} cannot be written: ${why}.`,
      cause,
      "Set DOCKER_CONFIG to a folder that can be written and has room. No login was lost.",
    );
  }
}

/** @returns false when somebody else wrote the file meanwhile */
async function tryEdit(target: string, edit: (config: DockerConfig) => DockerConfig): Promise<boolean> {
  const before = await readText(target);
  const content = `${JSON.stringify(edit(parseConfig(target, before)), undefined, "\t")}\n`;
  const overtaken = new Error("The file was changed meanwhile.");
  try {
    await writeWholeFile(target, content, {
      mode: 0o600,
      async beforeRename() {
        if ((await readText(target)) !== before) throw overtaken;
      },
    });
    return true;
  } catch (error) {
    if (error === overtaken) return false;
    throw error;
  }
}

function invalidConfig(
  message: string,
  cause?: unknown,
  hint = "Set DOCKER_CONFIG to the folder of another config.json, or correct this one.",
): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", message, { hint, cause });
}
