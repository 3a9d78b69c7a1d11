import { type Application, createApplication } from "./application.ts";
import { type Audit, type EventLog, eventLogToStdout, writeLine } from "./audit.ts";
import { createDirectory, type RegistryDirectory } from "./bindings.ts";
import { readLimits } from "./budget.ts";
import { withCredentialCache } from "./credential-cache.ts";
import { type Door, oidcDoor, parseDoorName, platformDoor, trustedDoor } from "./doors.ts";
import type { ErrorLog } from "./error-log.ts";
import { type ArtifactRegistryError, toArtifactRegistryError } from "./errors.ts";
import { once } from "./once.ts";
import { readPageKey } from "./pages.ts";
import type { Environment, Platform } from "./platform.ts";
import type { Rule } from "./rules.ts";
import { fixedRules, readRules, type Warn } from "./rules-source.ts";

/** What every door of a function leads to. */
export interface Suite {
  readonly application: Application;
  readonly directory: RegistryDirectory;
  readonly eventLog: EventLog;
}

/** What a function may set beside its environment. A test sets the logs and the clock. */
export interface SuiteOptions {
  readonly audit?: Audit;
  readonly errorLog?: ErrorLog;
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
const startLogToStdout: StartLog = writeLine;

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
  // Told last, since a configuration that cannot be used may be read many times.
  const warnings: string[] = [];
  let tell: Warn = (message) => warnings.push(message);
  const rules = readRules(env, { warn: (message) => tell(message), issuers: door.issuers }) ?? fixedRules([]);
  const directory = readDirectory(platform, env, (await rules.current()).rules);
  tell = warn;
  for (const message of warnings) warn(message);
  const limits = readLimits(env);
  const pages = readPageKey(env);
  return { application: createApplication({ directory, rules, door, limits, pages, ...given }), directory, eventLog };
}

/** Writes JSON lines to the standard output, beside the audit log. */
export const warnToStdout: Warn = (message) => {
  writeLine({ time: new Date().toISOString(), level: "warning", message });
};

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
