import { randomUUID } from "node:crypto";
import {
  closeSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../binding.ts";

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
export function readConfig(file: string): DockerConfig {
  let content: string;
  try {
    content = readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw refused(`${file} cannot be read.`, cause);
  }
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
 * Changes the configuration so that no reader ever sees half of it, readable by its owner alone. It is read anew, so
 * that what was written while the credentials were minted stays. Docker knows no lock: neither do we.
 *
 * @throws BINDING_CONFIG_INVALID when it cannot be read or written
 */
export function editConfig(file: string, edit: (config: DockerConfig) => DockerConfig): void {
  const content = `${JSON.stringify(edit(readConfig(file)), undefined, "\t")}\n`;
  let part: string | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const target = resolveLink(file);
    part = `${target}.${randomUUID()}.tmp`;
    const handle = openSync(part, "wx", 0o600);
    try {
      keepOwner(handle, target);
      writeSync(handle, content);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(part, target);
  } catch (cause) {
    if (part !== undefined) rmSync(part, { force: true });
    throw refused(`${file} cannot be written.`, cause);
  }
}

/** Where the file is a link, what it links to is written, and the link stays. */
function resolveLink(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    const target = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(file) : undefined;
    return target === undefined ? file : resolve(dirname(file), target);
  }
}

/** Under sudo the file stays its user's, as with Docker. Nobody else can give one away. */
function keepOwner(handle: number, target: string): void {
  const former = statSync(target, { throwIfNoEntry: false });
  if (former === undefined || process.getuid?.() !== 0) return;
  fchownSync(handle, former.uid, former.gid);
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

function refused(message: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", message, {
    hint: "Set DOCKER_CONFIG to the folder of another config.json, or correct this one.",
    cause,
  });
}
