import { coldStart } from "../../aws/bundle/child.ts";
import { bundleOf } from "../../support/bundle.ts";
import { startStub } from "../stub-aws.ts";
import { credentials, rulesFor, type Subject } from "./subject.ts";

/** The Lambda function, called directly. */
export async function awsSubject(): Promise<Subject> {
  const stub = await startStub();
  const pullRoleArn = "arn:aws:iam::111122223333:role/images-pull";
  const event = { operation: "generateCredentials", ...credentials };
  return {
    name: "aws",
    bundle: bundleOf("aws"),
    empty: "exports.handler = async () => ({});\n",
    env: {
      AWS_REGION: "us-east-1",
      AWS_ENDPOINT_URL: stub.url,
      AWS_ACCESS_KEY_ID: "ASIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_SESSION_TOKEN: "token",
      AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
      ALIEN_DOOR: "invoke",
      ALIEN_IMAGES_BINDING: JSON.stringify({ service: "ecr", repositoryPrefix: "images", pullRoleArn }),
      ALIEN_ACCESS_RULES: rulesFor("door", "invoke"),
    },
    async run(file, env) {
      const result = await coldStart(file, event, env);
      const { answer } = result;
      return { ...result, minted: typeof answer === "object" && answer !== null && "password" in answer };
    },
    stop: () => stub.stop(),
  };
}
