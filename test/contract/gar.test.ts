import { platform } from "../../functions/gcp/index.ts";
import { startStack } from "../gcp/support/stack.ts";
import { contractSuite } from "./suite.ts";

contractSuite({
  name: "gar",
  async start() {
    const stack = await startStack({ projectRoles: ["roles/artifactregistry.admin", "roles/iam.serviceAccountAdmin"] });
    stack.useInThisProcess();
    return {
      platform,
      env: {
        ...stack.env(),
        ALIEN_IMAGES_BINDING: stack.binding("images"),
        ALIEN_BUILDS_BINDING: stack.binding("builds"),
      },
      dataPlane: () => stack.gcp.registryUrl(),
      resource: (name) =>
        `projects/${stack.project}/locations/${stack.location}/repositories/images/packages/${encodeURIComponent(name.slice(`${stack.project}/images/`.length))}`,
      // Google tells the end in whole seconds, rounded down: what is promised is a little less than what is given.
      advance: (milliseconds) => stack.gcp.advance(milliseconds + 1_000),
      stop: () => stack.stop(),
    };
  },
});
