import { functionEnv } from "../../../aws/handler/functions.ts";
import { callUrlPolicy, startFront } from "../../../aws/runtime/front.ts";
import { startRunningFunction } from "../../../aws/runtime/function.ts";
import { startStack } from "../../../aws/support/stack.ts";
import { bundleOf } from "../../../support/bundle.ts";
import { type Cloud, oidcEnv, unnamed } from "../place.ts";

/** Workers on Lambda, under roles of their own, before the URL of a function. */
export async function onAws(): Promise<Cloud> {
  bundleOf("aws").build();
  const stack = await startStack();
  const { emulator, account, region } = stack;
  const worker = (role: string, policies: object = { call: callUrlPolicy() }) => {
    const credentials = emulator.credentialsFor(emulator.role(account, role, { policies } as never), {
      name: "worker",
    });
    const { AWS_ENDPOINT_URL: _, ...env } = emulator.environment(credentials, region);
    return { env };
  };
  const open = async (door: string, authType: "AWS_IAM" | "NONE", more: Record<string, string> = {}) => {
    const running = await startRunningFunction(functionEnv(stack, door, more));
    const front = await startFront(emulator, running, authType);
    return {
      url: front.url,
      log: running.log,
      async stop() {
        await front.stop();
        await running.stop();
      },
    };
  };
  const [pipeline, another, stranger] = [worker("pipeline"), worker("another"), worker("stranger", {})];
  const byIam = { code: "ACCESS_DENIED", hint: /lambda:InvokeFunctionUrl/ } as const;
  return {
    platform: "aws",
    form: "aws",
    open: () => open("platform", "AWS_IAM"),
    openTo: (guests) => open("oidc", "NONE", oidcEnv(guests.map(({ trusted }) => trusted))),
    worker: pipeline,
    seenAs: [`${account}:role/pipeline`],
    refused: {
      "whose role has no policy to call the URL": { ...stranger, ...byIam },
      "whose role may call the URL, and no rule names": { ...another, ...unnamed },
      "that signs with another's secret": {
        env: { ...pipeline.env, AWS_SECRET_ACCESS_KEY: another.env.AWS_SECRET_ACCESS_KEY ?? "" },
        ...byIam,
      },
      "that signs for another region": { ...pipeline, auth: { type: "aws", region: "eu-west-1" }, ...byIam },
      "that does not sign": { auth: { type: "token", variable: "TOKEN" }, env: { TOKEN: "a-bearer" }, ...byIam },
      "that is nobody": {
        env: { AWS_REGION: region, AWS_EC2_METADATA_DISABLED: "true" },
        code: "AUTHENTICATION_ERROR",
        hint: /Run under a role/,
      },
    },
    reach: (uri) => emulator.reach(uri),
    stop: () => stack.stop(),
  };
}
