import { type Command, InvalidArgumentError } from "commander";
import * as v from "valibot";
import { ArtifactRegistryError, invalidInput } from "../../core/errors.ts";
import { operations } from "../../core/operations.ts";
import { bindingVariable, boundName } from "../../core/platform.ts";
import { type Environment, type PlatformName, platformNames } from "../binding.ts";
import { type Connection, connect } from "../connection.ts";
import type { ArtifactRegistryCredentials } from "../types.ts";
import { duration } from "./options.ts";
import { findProfile, type Profile } from "./profiles.ts";

/** The options by which every command finds its registry and function. */
export interface ConnectionOptions {
  readonly registry?: string;
  readonly profile?: string;
  readonly url?: string;
  readonly platform?: PlatformName;
  readonly direct?: boolean;
  readonly timeout?: number;
}

/** Adds these options to a command. */
export function addConnectionOptions(command: Command): void {
  command
    .option("--registry <name>", "name of the registry (default: ALIEN_REGISTRY, or the only registry that is bound)")
    .option("--profile <name>", "profile that says where the function is, and who calls (default: ALIEN_PROFILE)")
    .option("--url <url>", "the function's URL, instead of ALIEN_{NAME}_BINDING")
    .addOption(command.createOption("--platform <platform>", "where that function runs").choices(platformNames))
    .option("--direct", "run the binding's own adapter in this process, under its own identity")
    .option("--timeout <duration>", "time limit of the whole call, retries included, as 30 (seconds) or 5m", timeLimit);
}

/** Which registry a command is for, and the profile by which it is called if there is one. */
export interface Target {
  readonly registry: string;
  readonly profile?: Profile | undefined;
}

/**
 * Decides which registry is meant. The profile that is named comes first; the only profile of the file comes last, where nothing else
 * says anything.
 *
 * @throws BINDING_NOT_CONFIGURED, which names the choices; BINDING_CONFIG_INVALID for a file of profiles that cannot be used;
 *   INVALID_INPUT for options that exclude each other
 */
export async function chooseTarget(options: ConnectionOptions, env: Environment): Promise<Target> {
  const { url, direct = false, registry } = options;
  const elsewhere = url !== undefined || direct;
  if (elsewhere && options.profile !== undefined)
    throw invalidInput("--profile says where the function is, so it cannot be combined with --url or --direct.");
  const name = options.profile ?? (elsewhere ? undefined : env.ALIEN_PROFILE || undefined);
  const isOpen = !elsewhere && registry === undefined && !env.ALIEN_REGISTRY && boundRegistries(env).length === 0;
  const profile = name !== undefined || isOpen ? await findProfile(name, env) : undefined;
  return { registry: registry || (profile?.registry ?? chooseRegistry(env)), profile };
}

/**
 * Connects to the registry that a command is for. Answers are checked against the operations' schemas.
 *
 * @throws BINDING_NOT_CONFIGURED, BINDING_CONFIG_INVALID, INVALID_INPUT for options that exclude each other
 */
export async function openConnection(
  { registry, profile }: Target,
  options: ConnectionOptions,
  { env, signal, timeoutMs }: { readonly env: Environment; readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<Connection> {
  const { url, platform, direct = false, timeout } = options;
  if ((url === undefined) !== (platform === undefined)) {
    throw invalidInput("--url and --platform go together.", undefined, `Platforms: ${platformNames.join(", ")}.`);
  }
  if (direct && url !== undefined)
    throw invalidInput("--direct does not call a function, so it cannot be combined with --url.");
  const connection = await connect(registry, {
    env,
    signal,
    timeoutMs: timeout === undefined ? timeoutMs : timeout * 1_000,
    ...profile?.options,
    ...(url !== undefined && platform !== undefined && { url, platform }),
    ...(direct && { mode: "direct" }),
  });
  return withCheckedAnswers(connection);
}

/**
 * Decides which registry is meant: that of `ALIEN_REGISTRY`, or the only one whose variable is set.
 *
 * @throws BINDING_NOT_CONFIGURED, which names the choices
 */
function chooseRegistry(env: Environment): string {
  if (env.ALIEN_REGISTRY) return env.ALIEN_REGISTRY;
  const bound = boundRegistries(env);
  const [only] = bound;
  if (only !== undefined && bound.length === 1) return only;
  const why = only === undefined ? "No registry is bound." : `Several registries are bound: ${bound.join(", ")}.`;
  throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", why, {
    hint:
      only === undefined
        ? `Set ${bindingVariable("images")} for a registry "images", pass --registry with --url and --platform, or make a profile (docs/command-line.md).`
        : "Pass --registry, or set ALIEN_REGISTRY.",
  });
}

/** The names of the registries that the environment binds: in lower case, with `-`. */
export function boundRegistries(env: Environment): string[] {
  return Object.keys(env).flatMap((variable) => boundName(variable) ?? []);
}

/**
 * Finds out where image clients reach the registry of these credentials.
 *
 * @throws UNEXPECTED_RESPONSE_FORMAT for what is no URL
 */
export async function registryUrl(
  { call, facts }: Connection,
  minted: Pick<ArtifactRegistryCredentials, "registryEndpoint">,
): Promise<URL> {
  const endpoint = minted.registryEndpoint ?? (facts ?? (await call("describeRegistry", {}))).registryEndpoint;
  if (URL.canParse(endpoint) && /^https?:/i.test(endpoint)) return new URL(endpoint);
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "The registry's endpoint is not a URL.");
}

/** @returns seconds */
function timeLimit(text: string): number {
  const value = duration(text);
  if (value >= 1 && value <= 99_999) return value;
  throw new InvalidArgumentError("It must be a duration from one second to a day.");
}

/**
 * Checks answers against the operations' schemas, since something else may answer at a function's URL. Fields that a
 * later version adds are allowed.
 */
function withCheckedAnswers(connection: Connection): Connection {
  return {
    ...connection,
    async call(operation, input, options) {
      const output = await connection.call(operation, input, options);
      const { issues = [] } = v.safeParse(operations[operation].output, output);
      const issue = issues.find(({ expected }) => expected !== "never");
      if (issue === undefined) return output;
      const field = v.getDotPath(issue);
      throw new ArtifactRegistryError(
        "UNEXPECTED_RESPONSE_FORMAT",
        `The answer is not that of ${operation}${field === null ? "" : `: "${field}" is missing or has another type`}.`,
        { hint: "Check that the URL is that of the function, and that its version fits this one." },
      );
    },
  };
}
