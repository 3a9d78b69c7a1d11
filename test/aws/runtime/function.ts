import { spawn } from "node:child_process";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { tool } from "../../tools/tools.ts";
import { type Invocation, startRuntimeApi } from "./runtime-api.ts";

const bundle = fileURLToPath(new URL("../../../dist/aws", import.meta.url));
/** The function, as Lambda names it. */
export const functionArn = "arn:aws:lambda:us-east-1:111122223333:function:artifact-registry";

/** The bundle in Lambda's own runtime. */
export interface RunningFunction {
  invoke(event: unknown): Promise<Invocation>;
  /** Everything that it has logged. */
  readonly log: () => string;
  stop(): Promise<void>;
}

/**
 * Starts dist/aws as Lambda does.
 *
 * @throws Error where Lambda's runtime client is not installed: `bash test/tools/install.sh lambda`
 */
export async function startRunningFunction(env: Readonly<Record<string, string>>): Promise<RunningFunction> {
  const ric = realpathSync(tool("aws-lambda-ric"));
  const api = await startRuntimeApi(functionArn);
  // Nothing of this machine's environment but what finds programs: on Lambda there is no more either.
  const child = spawn(process.execPath, [ric], {
    cwd: bundle,
    env: {
      PATH: process.env.PATH ?? "",
      ...env,
      _HANDLER: "index.handler",
      LAMBDA_TASK_ROOT: bundle,
      AWS_LAMBDA_RUNTIME_API: api.address,
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/artifact-registry",
      AWS_LAMBDA_LOG_STREAM_NAME: "2026/05/06/[$LATEST]0123456789abcdef",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += chunk));
  const exited = once(child, "exit").then(() => api.fail(new Error(`The runtime has ended.\n${log}`)));
  return {
    invoke: (event) => api.invoke(event),
    log: () => log,
    async stop() {
      child.kill("SIGKILL");
      await exited;
      await api.stop();
    },
  };
}
