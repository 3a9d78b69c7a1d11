import { type Command, InvalidArgumentError } from "commander";
import * as v from "valibot";
import { ArtifactRegistryError, invalidInput } from "../../core/errors.ts";
import { operations } from "../../core/operations.ts";
import { bindingVariable } from "../../core/platform.ts";
import { type Environment, type PlatformName, platformNames } from "../binding.ts";
import { type Connection, connect } from "../connection.ts";
import { duration } from "./options.ts";

/** The options by which every command finds its registry and function. */
export interface ConnectionOptions {
  readonly registry?: string;
  readonly url?: string;
  readonly platform?: PlatformName;
  readonly direct?: boolean;
  readonly timeout?: number;
}

/** Adds these options to a command. */
export function addConnectionOptions(command: Command): void {
  command
    .option("--registry <name>", "name of the registry (default: ALIEN_REGISTRY, or the only registry that is bound)")
    .option("--url <url>", "the function's URL, instead of ALIEN_{NAME}_BINDING")
    .addOption(command.createOption("--platform <platform>", "where that function runs").choices(platformNames))
    .option("--direct", "run the binding's own adapter in this process, under its own identity")
    .option("--timeout <duration>", "time limit of the whole call, retries included, as 30 (seconds) or 5m", timeLimit);
}

/**
 * Connects to the registry that a command is for. Answers are checked against the operations' schemas.
 *
 * @throws BINDING_NOT_CONFIGURED, BINDING_CONFIG_INVALID, INVALID_INPUT for options that exclude each other
 */
export async function openConnection(
  registry: string,
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
    ...(url !== undefined && platform !== undefined && { url, platform }),
    ...(direct && { mode: "direct" }),
  });
  return withCheckedAnswers(connection);
}

/**
 * Decides which registry is meant: that of the option, that of `ALIEN_REGISTRY`, or the only one whose variable is set.
 *
 * @throws BINDING_NOT_CONFIGURED, which names the choices
 */
export function chooseRegistry(option: string | undefined, env: Environment): string {
  const named = option ?? env.ALIEN_REGISTRY;
  if (named !== undefined && named !== "") return named;
  const bound = boundRegistries(env);
  const [only] = bound;
  if (only !== undefined && bound.length === 1) return only;
  const why = only === undefined ? "No registry is bound." : `Several registries are bound: ${bound.join(", ")}.`;
  throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", why, {
    hint:
      only === undefined
        ? `Set ${bindingVariable("images")} for a registry "images", or pass --registry with --url and --platform.`
        : "Pass --registry, or set ALIEN_REGISTRY.",
  });
}

/** The names of the registries that the environment binds: in lower case, with `-`. */
export function boundRegistries(env: Environment): string[] {
  return Object.keys(env).flatMap((variable) => {
    const [, name] = /^ALIEN_([A-Z0-9_]+)_BINDING$/.exec(variable) ?? [];
    return name === undefined ? [] : [name.toLowerCase().replaceAll("_", "-")];
  });
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
