import type { Environment } from "../../../core/platform.ts";
import { type Suite as CoreSuite, readSuite as readCoreSuite, type SuiteOptions } from "../../../core/suite.ts";
import { platform } from "../index.ts";
import { readPlace } from "../place.ts";

/** What every door stands around. */
export interface Suite extends CoreSuite {
  /** The home region: where the function runs. */
  readonly region: string;
}

/** Milliseconds for one operation: less than half of a lease, and than what infra/aws gives a function. */
const operationTimeoutMs = 25_000;

/** Reads everything that the environment says. @throws BINDING_CONFIG_INVALID */
export async function readSuite(env: Environment, options: SuiteOptions = {}): Promise<Suite> {
  const { region } = readPlace(env);
  return { ...(await readCoreSuite(platform, env, { operationTimeoutMs, ...options })), region };
}
