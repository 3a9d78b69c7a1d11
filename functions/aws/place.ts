import { ArtifactRegistryError } from "../../core/errors.ts";
import type { Environment } from "../../core/platform.ts";
import { type Partition, partitionOf } from "./endpoints.ts";

/** Where a function runs. */
export interface Place extends Omit<Partition, "name"> {
  readonly region: string;
  /** The partition's name, as in ARNs. */
  readonly partition: string;
  /** Whether images are named by hosts that IPv6 reaches too: the SDK's own setting for its requests. */
  readonly dualStack: boolean;
  /** IAM's path of the pull and push roles that provisioning makes, as `/acme/`. Nothing else should be on it. */
  readonly rolePath: string;
  /** Whether this is Lambda: its credentials are always a role session, so that AssumeRole is role chaining. */
  readonly onLambda: boolean;
}

/** @throws BINDING_CONFIG_INVALID where no region is set, or `ALIEN_ROLE_PATH` is no path */
export function readPlace(env: Environment): Place {
  const region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  if (!region) {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "AWS_REGION is not set.", {
      hint: "Lambda sets it by itself; elsewhere set it to the region of the registry.",
    });
  }
  const { name, dnsSuffix, dualStackDnsSuffix } = partitionOf(region);
  const dualStack = env.AWS_USE_DUALSTACK_ENDPOINT === "true";
  const rolePath = env.ALIEN_ROLE_PATH || "/";
  // IAM, CreateRole: a path has up to 512 characters.
  if (rolePath.length > 512 || !/^\/(?:[\w+=,.@-]+\/)*$/.test(rolePath)) {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "ALIEN_ROLE_PATH is no path of roles in IAM.", {
      hint: "Set it to names between slashes, as /acme/, or leave it out.",
    });
  }
  const onLambda = Boolean(env.AWS_LAMBDA_FUNCTION_NAME);
  return { region, partition: name, dnsSuffix, dualStackDnsSuffix, dualStack, rolePath, onLambda };
}
