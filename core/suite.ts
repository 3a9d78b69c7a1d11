import { type Application, createApplication } from "./application.ts";
import type { Audit } from "./audit.ts";
import type { RegistryDirectory } from "./bindings.ts";
import { openDoor, readDirectory, readRules } from "./configuration.ts";
import { type EventLog, eventLogToStdout } from "./event-log.ts";
import type { Environment, Platform } from "./platform.ts";

/** What every door of a function stands around. */
export interface Suite {
  readonly application: Application;
  readonly directory: RegistryDirectory;
  readonly eventLog: EventLog;
}

export interface SuiteOptions {
  readonly audit?: Audit;
  readonly eventLog?: EventLog;
  readonly now?: () => Date;
  /** Milliseconds for one operation as a whole. */
  readonly operationTimeoutMs?: number;
}

/** Reads everything that a function's environment says. @throws BINDING_CONFIG_INVALID */
export async function readSuite(platform: Platform, env: Environment, options: SuiteOptions = {}): Promise<Suite> {
  const { eventLog = eventLogToStdout, ...given } = options;
  const door = await openDoor(env);
  const rules = readRules(env) ?? [];
  const directory = readDirectory(platform, env, rules);
  return { application: createApplication({ directory, rules, door, ...given }), directory, eventLog };
}
