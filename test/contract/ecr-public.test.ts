import { platform } from "../../functions/aws/index.ts";
import { startPublicStack } from "../aws/support/public-stack.ts";
import { contractSuite } from "./suite.ts";

contractSuite({
  name: "ecr-public",
  async start() {
    const stack = await startPublicStack();
    stack.useInThisProcess();
    return {
      platform,
      env: {
        ...stack.env(),
        AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
        ALIEN_IMAGES_BINDING: stack.binding("images"),
        ALIEN_BUILDS_BINDING: stack.binding("builds"),
      },
      dataPlane: () => stack.emulator.publicRegistryUrl,
      // AWS's API, and so the rules, know the repository without the alias that stands in its path.
      ruleName: (name) => name.slice(stack.alias.length + 1),
      resource: (name) => `arn:aws:ecr-public::${stack.account}:repository/${name.slice(stack.alias.length + 1)}`,
      advance: (milliseconds) => stack.emulator.advance(milliseconds),
      stop: () => stack.stop(),
    };
  },
});
