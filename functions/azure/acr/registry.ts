/** The container registry itself, as Azure Resource Manager describes it, and how we know whose it is. */
import type { Registry } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type Arm, type ArmRequest, armRequest } from "../arm/requests.ts";
import type { AcrBinding } from "../binding.ts";
import { isNotFound, unexpected } from "../errors.ts";
import type { LoginServer } from "./context.ts";

interface BoundRegistry {
  readonly binding: AcrBinding;
  readonly arm: Arm;
}

const request = { action: "GET registries", permission: "Microsoft.ContainerRegistry/registries/read" };

/** Gets the container registry. */
export function getRegistry(context: BoundRegistry, call: Call): Promise<Registry> {
  return requestRegistryResource(context, call, request);
}

/** @returns undefined if there is no such container registry */
export async function findRegistry(context: BoundRegistry, call: Call): Promise<Registry | undefined> {
  try {
    return await requestRegistryResource(context, call, { ...request, expected: isNotFound });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function requestRegistryResource(
  { binding, arm }: BoundRegistry,
  call: Call,
  asked: ArmRequest,
): Promise<Registry> {
  const found = await armRequest(arm, call, asked, ({ client }, options) =>
    client.registries.get(binding.resourceGroupName, binding.registryName, options),
  );
  return requireState(found);
}

/** @throws UNEXPECTED_RESPONSE_FORMAT for an answer without name and state: we could not trust its tags to say whose it is */
export function requireState(found: Registry): Registry {
  if (found.name !== undefined && found.provisioningState !== undefined) return found;
  throw unexpected("Azure Resource Manager GET registries");
}

/** The tag on a container registry that this suite made or adopted. Its value says for which repositories. */
export const ownershipTag = "alien-artifact-registry";

/** The value of the tag: the path under which the registry's repositories are, as `images/`; `/` if it has no prefix. */
export function ownershipValue(prefix: string): string {
  return `${prefix}/`;
}

/** @returns whether the tags say that the container registry is the one of this prefix */
export function hasOwnTag({ tags }: Pick<Registry, "tags">, prefix: string): boolean {
  return ownerOf(tags) === ownershipValue(prefix);
}

/**
 * The value of our tag, whichever registry it names; undefined if there is no such tag.
 *
 * @param tags as Azure Resource Manager answers them; upper and lower case do not differ in their names
 */
export function ownerOf(tags: Readonly<Record<string, string>> = {}): string | undefined {
  return Object.entries(tags).find(([name]) => name.toLowerCase() === ownershipTag)?.[1];
}

/** Finds the host of the registry: the one in the binding, or the one that Azure Resource Manager tells when first asked. */
export function createLoginServer(binding: AcrBinding, arm: Arm): LoginServer {
  let known = binding.loginServer;
  const learn = (loginServer: string | undefined) => {
    known ??= loginServer?.toLowerCase() || undefined;
  };
  const find = async (call: Call) => {
    if (known !== undefined) return known;
    const found = await findRegistry({ binding, arm }, call);
    if (found === undefined) {
      throw new ArtifactRegistryError(
        "BINDING_CONFIG_INVALID",
        `There is no container registry "${binding.registryName}".`,
        { hint: "Run provisionRegistry, or check that the binding and AZURE_SUBSCRIPTION_ID name one that exists." },
      );
    }
    learn(found.loginServer);
    if (known !== undefined) return known;
    throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "The registry has no login server yet.", {
      retryable: true,
    });
  };
  return Object.assign(find, { learn });
}
