import { writeLine } from "../../core/audit.ts";
import type { Environment } from "../../core/platform.ts";
import { explainStart, stopOnSignals } from "../../core/server/process.ts";
import { defaultRegistry, type LocalSuite, serveLocal } from "./serve.ts";

/** Starts the suite, prints how to use it, and stops it on a signal. @returns false if it could not start; the reason has been printed */
export async function run(env: Environment): Promise<boolean> {
  let suite: LocalSuite;
  try {
    suite = await serveLocal(env, {
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
  stopOnSignals(async (signal) => {
    console.log(`${signal}: finishing the requests in flight ...`);
    await suite.close();
    return 0;
  });
  // Last: whoever reads it may send a signal at once.
  console.log(usage(suite));
  return true;
}

/** What the server prints when it is ready: its URLs, and three commands to paste. */
function usage({ url, registryUrl, settings }: LocalSuite): string {
  const { host } = new URL(registryUrl);
  const post = (operation: string, body: object, flags = "-sS") =>
    `curl ${flags} ${url}/v1/${operation} -H "Authorization: Bearer $ALIEN_CALLER_TOKEN" -d '${JSON.stringify(body)}'`;
  const password = `node -pe 'JSON.parse(require("fs").readFileSync(0)).password'`;
  const credentials = { registry: defaultRegistry, repoId: `${defaultRegistry}/my-app`, permissions: "push-pull" };
  return `
artifact-registry functions, local platform
  API       ${url}   (${url}/openapi.json)
  registry  ${registryUrl}
  data      ${settings.dataDir}

In another terminal:

  export ALIEN_CALLER_TOKEN=${settings.callerTokenIsNew ? settings.callerToken : "...   # the one that you started with"}

  # 1. create a repository
  ${post("createRepository", { registry: defaultRegistry, name: "my-app" })}

  # 2. mint credentials for it, for 15 minutes
  PASSWORD=$(${post("generateCredentials", { ...credentials, ttlSeconds: 900 }, "-fsS")} | ${password})

  # 3. push with them: docker, podman, skopeo, crane, ...
  echo "$PASSWORD" | docker login ${host} --username token --password-stdin
  skopeo copy --dest-tls-verify=false --dest-creds "token:$PASSWORD" oci:./my-image docker://${host}/${credentials.repoId}:1.0

ready
`;
}
