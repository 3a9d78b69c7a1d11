import { ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import { setupEventType } from "../../../core/events.ts";
import { platform } from "../../../functions/aws/index.ts";
import { startStack } from "../../aws/support/stack.ts";
import { startSuite } from "../../contract/harness.ts";
import { type Cloud, functionsOf, option } from "./follow.ts";

const consumer = "222233334444";

/** As `infra/aws/examples/basic` leaves it. */
export async function startAws(): Promise<Cloud> {
  const stack = await startStack({ prefixes: ["acme-images"], replicaRegions: ["eu-west-1"] });
  const { emulator, account, region } = stack;
  emulator.account(consumer);
  stack.useInThisProcess();
  const boundary = { Effect: "Allow", Action: "ecr:*", Resource: "*" } as const;
  const env = {
    ...stack.env(),
    ALIEN_IMAGES_BINDING: stack.binding("acme-images"),
    ALIEN_PERMISSIONS_BOUNDARY_ARN: emulator.managedPolicy(account, "minting-boundary", boundary),
  };
  const functions = functionsOf(platform, env);
  const oidc = await startSuite(platform, env, ["images"]);
  const commands: Readonly<Record<string, (args: readonly string[]) => Promise<string>>> = {
    "lambda invoke": (args) =>
      functions.invoke(option(args, "--function-name").replace("acme-", ""), option(args, "--payload")),
    async "ecr get-login-password"(args) {
      const api = { endpoint: emulator.url, region: option(args, "--region"), credentials: emulator.admin(consumer) };
      const { authorizationData } = await new ECRClient(api).send(new GetAuthorizationTokenCommand({}));
      const token = Buffer.from(authorizationData?.[0]?.authorizationToken ?? "", "base64").toString();
      return token.replace(/^AWS:/, "");
    },
    async "lambda create-function"(args) {
      const [, repository = ""] = /^ImageUri=[^/]+\/(.+):[^:]+$/.exec(option(args, "--code")) ?? [];
      const arn = `arn:aws:lambda:${option(args, "--region")}:${consumer}:function:${option(args, "--function-name")}`;
      const refusal = await emulator.lambda.refusal(arn, { account, repository });
      if (refusal !== undefined) throw new Error(refusal);
      return arn;
    },
    async "events put-events"(args) {
      for (const { Source, DetailType, Detail } of JSON.parse(option(args, "--entries"))) {
        const data = JSON.parse(Detail);
        if (DetailType !== setupEventType) throw new Error(`No rule is for ${DetailType}.`);
        const time = new Date().toISOString();
        await functions.event({ specversion: "1.0", id: "1", source: Source, type: DetailType, time, data });
      }
      return '{ "FailedEntryCount": 0 }';
    },
  };
  return {
    async command(name, args) {
      if (name === "npm" || name === "tofu") return "";
      const command = commands[args.slice(0, 2).join(" ")];
      if (name !== "aws" || !command) throw new Error(`Nothing stands in for ${name} ${args.join(" ")}.`);
      return command(args);
    },
    registry: {
      host: `${account}.dkr.ecr.${region}.amazonaws.com`,
      here: new URL(emulator.registryUrl(region)).host,
    },
    env: { URL: `${oidc.url}/`, TOKEN: "token-of-alice" },
    async stop() {
      await oidc.stop();
      await stack.stop();
    },
  };
}
