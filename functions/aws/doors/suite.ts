import type { Environment } from "../../../core/platform.ts";
import { type Suite as CoreSuite, readSuite as readCoreSuite, type SuiteOptions } from "../../../core/suite.ts";
import { platform } from "../index.ts";
import { readPlace } from "../place.ts";

/** What every door leads to. */
export interface Suite extends CoreSuite {
  /** The home region: where the function runs. */
  readonly region: string;
}

/** Milliseconds for one operation. It is less than half of a lease, and less than infra/aws lets a function run. */
const operationTimeoutMs = 25_000;

/** Reads the whole configuration from the environment. @throws BINDING_CONFIG_INVALID */
export async function readSuite(env: Environment, options: SuiteOptions = {}): Promise<Suite> {
  const { region } = readPlace(env);
  return { ...(await readCoreSuite(platform, env, { operationTimeoutMs, ...options })), region };
}
