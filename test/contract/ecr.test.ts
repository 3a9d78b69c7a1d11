import { platform } from "../../functions/aws/index.ts";
import { startStack } from "../aws/support/stack.ts";
import type { Statement } from "../emulators/aws/identity/documents.ts";
import { type ExecutionScope, executionStatements } from "../infra/support/aws-roles.ts";
import { onlyGrantee, otherGrantee } from "./harness.ts";
import { contractSuite } from "./suite.ts";

contractSuite({
  name: "ecr",
  async start() {
    const boundaryArn = "arn:aws:iam::111122223333:policy/minting-boundary";
    // Nothing beyond what the doors' roles get: whatever it lacks fails here.
    const scope: ExecutionScope = {
      partition: "aws",
      account: "111122223333",
      region: "us-east-1",
      registries: ["images", "builds"].map((prefix) => ({ prefix, replicaRegions: [] })),
      leaseTableArn: "arn:aws:dynamodb:us-east-1:111122223333:table/leases",
      boundaryArn,
      deadLetterQueueArn: "arn:aws:sqs:us-east-1:111122223333:dead-letters",
      keepsLast: false,
      keyArns: [],
    };
    const statements = [...executionStatements("platform", scope), ...executionStatements("provision", scope)];
    const functionPolicies = statements as readonly Statement[];
    const stack = await startStack({ functionPolicies, accounts: [onlyGrantee, otherGrantee] });
    stack.emulator.managedPolicy(stack.account, "minting-boundary", {
      Effect: "Allow",
      Action: "ecr:*",
      Resource: "*",
    });
    stack.useInThisProcess();
    return {
      platform,
      env: {
        ...stack.env(),
        AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
        ALIEN_PERMISSIONS_BOUNDARY_ARN: boundaryArn,
        ALIEN_IMAGES_BINDING: stack.binding("images"),
        ALIEN_BUILDS_BINDING: stack.binding("builds"),
      },
      dataPlane: () => stack.emulator.registryUrl(stack.region),
      resource: (name) => `arn:aws:ecr:${stack.region}:${stack.account}:repository/${name}`,
      advance: (milliseconds) => stack.emulator.advance(milliseconds),
      stop: () => stack.stop(),
    };
  },
});
