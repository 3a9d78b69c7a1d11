import { resolve } from "node:path";
import { writeLine } from "../../core/audit.ts";
import { parseIssuers } from "../../core/oidc-issuers.ts";
import { boundName, type Environment } from "../../core/platform.ts";
import { explainStart, stopOnSignals } from "../../core/server/process.ts";
import { announce } from "./address.ts";
import { type LocalSuite, serveLocal } from "./serve.ts";

/**
 * Starts the suite, prints how to use it, and stops it on a signal.
 *
 * @param command how the command line is called where the server was started
 * @returns false if it could not start; the reason has been printed
 */
export async function run(env: Environment, command: string): Promise<boolean> {
  let suite: LocalSuite;
  const settings = withoutFunctionBindings(env);
  try {
    suite = await serveLocal(settings, {
      log: (message, cause) =>
        console.error(
          `error: ${message}${cause === undefined ? "" : `: ${cause instanceof Error ? cause.name : cause}`}`,
        ),
      access: writeLine,
      warn: (message) => console.error(`warning: ${message}`),
    });
  } catch (error) {
    console.error(
      `error: ${explainStart(error, "Set PORT (the API) or REGISTRY_PORT (the registry) to another one.")}`,
    );
    return false;
  }
  const withdraw = await announceLocally(suite, settings).catch(() => {
    // A disk that takes no change still serves pulls.
    console.error(
      `warning: ${suite.settings.dataDir} takes no file, so commands do not find this server by themselves.`,
    );
  });
  stopOnSignals(async (signal) => {
    console.log(`${signal}: finishing the requests in flight ...`);
    await withdraw?.();
    await suite.close();
    return 0;
  });
  // Last: whoever reads it may send a signal at once.
  console.log(usage(suite, settings, command));
  return true;
}

/** Clients and servers read the same variables. One that binds a function is meant for clients, so the server leaves it out. */
function withoutFunctionBindings(env: Environment): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(([name, text = ""]) => boundName(name) === undefined || !bindsFunction(text)),
  );
}

function bindsFunction(text: string): boolean {
  try {
    return (JSON.parse(text) as { service?: unknown } | null)?.service === "function";
  } catch {
    // The server says what is wrong with it.
    return false;
  }
}

async function announceLocally({ url, registries, settings }: LocalSuite, env: Environment) {
  const { hostname } = new URL(url);
  const address = {
    url: /^(0\.0\.0\.0|\[::\])$/.test(hostname) ? url.replace(hostname, "127.0.0.1") : url,
    registries,
    ...(env.ALIEN_DOOR === undefined && { callerToken: settings.callerToken }),
  };
  return announce(settings.dataDir, address);
}

/** What the server prints when it is ready: its URLs, and commands to paste. */
function usage({ url, registryUrl, registries, settings }: LocalSuite, env: Environment, command: string): string {
  const { host } = new URL(registryUrl);
  const [registry = ""] = registries;
  const more = registries.length > 1 ? ` --registry ${registry}` : "";
  return `
artifact-registry functions, local platform
  API       ${url}   (${url}/openapi.json)
  registry  ${registryUrl}
  data      ${settings.dataDir}
${settings.callerTokenIsNew && env.ALIEN_DOOR === undefined ? `  token     export ALIEN_CALLER_TOKEN=${settings.callerToken}   (for curl, and programs of your own)\n` : ""}
In another terminal, in this folder:

${setUp(env, settings.dataDir)}  ${command} create my-app${more}
  ${command} login my-app${more}
  ${command} push --sample my-app:1.0${more}

The image has travelled. Docker, podman and skopeo pull ${host}/${registry}/my-app:1.0 now, and without any of them:

  ${command} pull my-app:1.0 ./pulled${more}

ready
`;
}

/** What must be set first: nothing, in the folder of the server and behind its own door. */
function setUp(env: Environment, dataDir: string): string {
  const place = dataDir === resolve(".data") ? "" : `  export DATA_DIR=${dataDir}\n`;
  if (env.ALIEN_DOOR === undefined) return place;
  const issuers = parseIssuers(env.ALIEN_OIDC_ISSUERS ?? "[]").map(
    ({ issuer, audience }) => `  #   ${issuer}, for the audience ${audience}\n`,
  );
  return `${place}  # The door is ${env.ALIEN_DOOR}. The token is one of:\n${issuers.join("")}  export ALIEN_CALLER_TOKEN=...\n`;
}
