import { readFileSync } from "node:fs";
import { type Application, createApplication } from "./application.ts";
import { type Audit, type EventLog, eventLogToStdout } from "./audit.ts";
import { createDirectory, type RegistryDirectory } from "./bindings.ts";
import { withCredentialCache } from "./credential-cache.ts";
import { type Door, oidcDoor, parseDoorName, platformDoor, trustedDoor } from "./doors.ts";
import { ArtifactRegistryError, toArtifactRegistryError } from "./errors.ts";
import { once } from "./once.ts";
import type { Environment, Platform } from "./platform.ts";
import { parseRules, type Rule, warningsAbout } from "./rules.ts";

/** What every door of a function leads to. */
export interface Suite {
  readonly application: Application;
  readonly directory: RegistryDirectory;
  readonly eventLog: EventLog;
}

/** What a function may set beside its environment. A test sets the logs and the clock. */
export interface SuiteOptions {
  readonly audit?: Audit;
  readonly eventLog?: EventLog;
  /** Takes a sentence that an operator should read, at start. */
  readonly warn?: Warn;
  readonly startLog?: StartLog;
  readonly now?: () => Date;
  /** Milliseconds for one operation as a whole. */
  readonly operationTimeoutMs?: number;
}

/** Says why a function, or one way into it, lets nobody in. It says nothing that callers are not told, too. */
export interface StartLine {
  /** ISO 8601, UTC. */
  readonly time: string;
  /** The value of `ALIEN_DOOR`, even if it is not the name of a door. */
  readonly door?: string;
  readonly event: "shut";
  readonly outcome: ArtifactRegistryError["code"];
  readonly reason: string;
  /** What the operator can do. */
  readonly hint?: string;
}

export type StartLog = (line: StartLine) => void;

/** Writes JSON lines to the standard output, as the audit log does. */
const startLogToStdout: StartLog = (line) => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

/**
 * Opens one way into a function at start, for all its requests. If that fails, the reason is logged, so that the operator need
 * not wait for a caller who complains. The next request tries to open again, since an operator may have mended a file
 * meanwhile. A reason is logged once, however many requests meet it.
 *
 * @param open reads the configuration and makes what serves; it is not called again after it succeeded
 * @param env `ALIEN_DOOR`, for the log
 * @param options `startLog` and `now`, for the log
 * @returns gives each request what was opened; rejects with the ArtifactRegistryError that every caller is told
 *
 * @example
 * const opened = openAtStart(async () => createServe(await suite()), env, options);
 * return async (request) => (await opened().catch(refuseAll))(request);
 */
export function openAtStart<T>(
  open: () => Promise<T>,
  env: Environment,
  { startLog = startLogToStdout, now = () => new Date() }: SuiteOptions = {},
): () => Promise<T> {
  let logged: string | undefined;
  const opened = once(async () => {
    try {
      return await open();
    } catch (thrown) {
      const error = toArtifactRegistryError(thrown);
      const { code: outcome, message: reason, hint } = error;
      const door = env.ALIEN_DOOR;
      const line = { time: now().toISOString(), ...(door !== undefined && { door }), event: "shut", outcome } as const;
      if (reason !== logged) startLog({ ...line, reason, ...(hint !== undefined && { hint }) });
      logged = reason;
      throw error;
    }
  });
  // A failure at start is logged. Those who ask later are told then.
  opened().catch(() => {});
  return opened;
}

/** Reads the whole configuration of a function from its environment. @throws BINDING_CONFIG_INVALID */
export async function readSuite(platform: Platform, env: Environment, options: SuiteOptions = {}): Promise<Suite> {
  const { eventLog = eventLogToStdout, warn = warnToStdout, startLog: _, ...given } = options;
  const door = await openDoor(env);
  const rules = parsedRules(env) ?? [];
  const directory = readDirectory(platform, env, rules);
  // Warnings come last, because a configuration that cannot be used may be read many times.
  for (const message of warningsAbout(rules)) warn(message);
  return { application: createApplication({ directory, rules, door, ...given }), directory, eventLog };
}

/** Takes a sentence that an operator should read. A warning refuses nothing. */
export type Warn = (message: string) => void;

/** Writes JSON lines to the standard output, beside the audit log. */
export const warnToStdout: Warn = (message) => {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level: "warning", message })}\n`);
};

/**
 * Reads the access rules of `ALIEN_ACCESS_RULES`, or of the file that `ALIEN_ACCESS_RULES_FILE` names.
 *
 * @param warn gets a sentence about each rule that may not say what was meant
 * @returns undefined if neither is set. Without rules everything is denied
 * @throws BINDING_CONFIG_INVALID
 */
export function readRules(env: Environment, warn: Warn): Rule[] | undefined {
  const rules = parsedRules(env);
  for (const message of warningsAbout(rules ?? [])) warn(message);
  return rules;
}

function parsedRules(env: Environment): Rule[] | undefined {
  const { ALIEN_ACCESS_RULES: text, ALIEN_ACCESS_RULES_FILE: file } = env;
  if (text !== undefined && file !== undefined) {
    throw new ArtifactRegistryError(
      "BINDING_CONFIG_INVALID",
      "ALIEN_ACCESS_RULES and ALIEN_ACCESS_RULES_FILE are set.",
      {
        hint: "Keep one of them.",
      },
    );
  }
  if (file === undefined) return text === undefined ? undefined : parseRules(text);
  try {
    return parseRules(readFileSync(file, "utf8"));
  } catch (cause) {
    if (cause instanceof ArtifactRegistryError) throw cause;
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `ALIEN_ACCESS_RULES_FILE cannot be read: ${file}.`, {
      cause,
    });
  }
}

/**
 * Opens the door that `ALIEN_DOOR` names. The `oidc` door takes tokens of the issuers in `ALIEN_OIDC_ISSUERS`.
 *
 * @throws BINDING_CONFIG_INVALID
 */
export async function openDoor(env: Environment): Promise<Door> {
  const name = parseDoorName(env.ALIEN_DOOR);
  switch (name) {
    case "platform":
      return platformDoor();
    case "oidc": {
      // Loaded for this door only: the others verify no tokens.
      const { oidcVerifier } = await import("./oidc.ts");
      return oidcDoor(oidcVerifier(env));
    }
    case "invoke":
    case "events":
    case "provision":
      return trustedDoor(name);
  }
}

/**
 * Opens a directory of every registry that the environment binds, each with a credential cache.
 *
 * @param rules the registries that they name are known by these names
 * @param names further names of registries
 * @throws BINDING_CONFIG_INVALID
 */
export function readDirectory(
  platform: Platform,
  env: Environment,
  rules: readonly Rule[],
  names: readonly string[] = [],
): RegistryDirectory {
  const listed = (env.ALIEN_REGISTRIES ?? "").split(",").map((name) => name.trim());
  const inRules = rules.flatMap((rule) => rule.registries.filter((name) => !name.includes("*")));
  const known = [...names, ...listed, ...inRules].filter((name) => name !== "");
  return createDirectory(platform, env, [...new Set(known)], withCredentialCache);
}
