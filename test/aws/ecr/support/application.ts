import type { ArtifactRegistryError } from "../../../../core/errors.ts";
import type { Environment } from "../../../../core/platform.ts";
import type { EcrRegistry } from "../../../../functions/aws/ecr/adapter.ts";
import { platform } from "../../../../functions/aws/index.ts";
import { type Limits, openSuite, type TestSuite } from "../../../support/suite.ts";
import type { AwsStack } from "../../support/stack.ts";

export interface ApplicationParts extends Limits {
  readonly binding?: object;
  readonly env?: Environment;
}

export interface TestApplication extends TestSuite {
  /** What the events door does when a replica has come into being. Answers what went wrong. */
  replicated(repoId: string, region: string): Promise<ArtifactRegistryError | undefined>;
}

export function openApplication(stack: AwsStack, parts: ApplicationParts = {}): TestApplication {
  const { binding = {}, env = {}, ...limits } = parts;
  return openIn({ ...stack.env(), ALIEN_IMAGES_BINDING: stack.binding("images", binding), ...env }, limits);
}

/** The same, in an environment that binds `images`. */
export function openIn(variables: Environment, limits: Limits = {}): TestApplication {
  const suite = openSuite(platform, variables, limits);
  return {
    ...suite,
    async replicated(repoId, region) {
      const answer = await suite.events.upkeep({
        name: "replicateAccess",
        registry: "images",
        repoId,
        run: (registry, call) => (registry as EcrRegistry).replicated(registry.resolveId(repoId), region, call),
      });
      return answer.ok ? undefined : answer.error;
    },
  };
}
