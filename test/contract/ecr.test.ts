import { platform } from "../../functions/aws/index.ts";
import { startStack } from "../aws/support/stack.ts";
import { contractSuite } from "./suite.ts";

contractSuite({
  name: "ecr",
  async start() {
    const stack = await startStack();
    stack.useInThisProcess();
    return {
      platform,
      env: {
        ...stack.env(),
        AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
        ALIEN_IMAGES_BINDING: stack.binding("images"),
        ALIEN_BUILDS_BINDING: stack.binding("builds"),
      },
      dataPlane: () => stack.emulator.registryUrl(stack.region),
      advance: (milliseconds) => stack.emulator.advance(milliseconds),
      stop: () => stack.stop(),
    };
  },
});
