import { mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { followLinks, removeLeftovers, writeWholeFile } from "../../../core/whole-file.ts";
import type { Environment } from "../../binding.ts";
import { withLock } from "./lock.ts";

/** The parts of Docker's configuration that a login touches; everything else is somebody else's. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, object>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

/** Where Docker's command line looks. */
export function configFile(env: Environment): string {
  return join(env.DOCKER_CONFIG || join(homedir(), ".docker"), "config.json");
}

/** @returns an empty one where there is no file @throws BINDING_CONFIG_INVALID when it cannot be read */
export async function readConfig(file: string): Promise<DockerConfig> {
  return parseConfig(file, await readText(file));
}

/** @returns undefined where there is no file */
async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw refused(`${file} cannot be read.`, cause);
  }
}

function parseConfig(file: string, content = ""): DockerConfig {
  if (content.trim() === "") return {};
  const config = parse(content);
  if (!isObject(config)) throw refused(`${file} is no JSON object.`);
  const { auths, credHelpers, credsStore } = config;
  for (const [name, value] of Object.entries({ auths, credHelpers })) {
    if (value !== undefined && !isObject(value)) throw refused(`"${name}" in ${file} is no JSON object.`);
  }
  if (credsStore !== undefined && typeof credsStore !== "string") throw refused(`"credsStore" in ${file} is no text.`);
  return config;
}

/** The credential helper for a host: its own, else that for all. @throws BINDING_CONFIG_INVALID for no name of one */
export function helperFor({ credHelpers = {}, credsStore }: DockerConfig, host: string): string | undefined {
  const helper: unknown = (Object.hasOwn(credHelpers, host) ? credHelpers[host] : undefined) ?? credsStore;
  if (helper === undefined || helper === "") return undefined;
  // It is part of a program's name.
  if (typeof helper === "string" && /^[\w.-]+$/.test(helper)) return helper;
  throw refused("Docker's config.json names a credential helper that is no name of a program.");
}

/**
 * Changes the configuration as a whole: it is never seen half, and where the change fails it is as it was before. The
 * file stays readable by its owner alone.
 *
 * Edits of ours take turns through a lock beside the file. Docker knows no lock: what it wrote after we had read the
 * file is seen right before ours takes its place, and then the edit is made again.
 *
 * @param edit may run more than once
 * @param signal ends the waiting for the lock, with its reason
 * @param patienceMs after how long an unchanged lock counts as left behind; for tests
 * @throws BINDING_CONFIG_INVALID when it cannot be read or written
 */
export async function editConfig(
  file: string,
  edit: (config: DockerConfig) => DockerConfig,
  signal: AbortSignal,
  patienceMs?: number,
): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const target = await followLinks(file);
    await withLock(`${target}.alien-registry.lock`, { signal, patienceMs }, async () => {
      await removeLeftovers(target);
      while (!(await tryEdit(target, edit))) signal.throwIfAborted();
    });
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (cause instanceof ArtifactRegistryError) throw cause;
    const why = (cause as NodeJS.ErrnoException).code ?? "it would not be whole";
    throw refused(
      `${file} cannot be written: ${why}.`,
      cause,
      "Set DOCKER_CONFIG to a folder with room that can be written. No login was lost.",
    );
  }
}

/** @returns false where somebody else wrote the file meanwhile */
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

function parse(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, never> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refused(
  message: string,
  cause?: unknown,
  hint = "Set DOCKER_CONFIG to the folder of another config.json, or correct this one.",
): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", message, { hint, cause });
}
