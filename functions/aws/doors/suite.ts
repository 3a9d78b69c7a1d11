import { type Application, createApplication } from "../../../core/application.ts";
import type { Audit } from "../../../core/audit.ts";
import type { RegistryDirectory } from "../../../core/bindings.ts";
import { openDoor, readDirectory, readRules } from "../../../core/configuration.ts";
import type { Environment } from "../../../core/platform.ts";
import { platform } from "../index.ts";
import { readPlace } from "../place.ts";
import type { EventLog } from "./event-log.ts";

/** What every door stands around. */
export interface Suite {
  readonly application: Application;
  readonly directory: RegistryDirectory;
  /** The home region: where the function runs. */
  readonly region: string;
  readonly eventLog?: EventLog;
}

export interface SuiteOptions {
  readonly audit?: Audit;
  readonly eventLog?: EventLog;
  readonly now?: () => Date;
}

/** Milliseconds for one operation: less than half of a lease, and than what infra/aws gives a function. */
const operationTimeoutMs = 25_000;

/** Reads everything that the environment says. @throws BINDING_CONFIG_INVALID */
export async function readSuite(env: Environment, options: SuiteOptions = {}): Promise<Suite> {
  const { region } = readPlace(env);
  const door = await openDoor(env);
  const rules = readRules(env) ?? [];
  const directory = readDirectory(platform, env, rules);
  const { eventLog, ...given } = options;
  const application = createApplication({ directory, rules, door, operationTimeoutMs, ...given });
  return { application, directory, region, ...(eventLog && { eventLog }) };
}
