import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { NotYet, untilReady } from "../../../core/waiting.ts";
import type { AcrContext } from "../acr/context.ts";
import { armOperation, goesOn, looks } from "../arm/operation.ts";
import { armRefusal, translateArmError } from "../errors.ts";
import { refuseForeign, settledRegistry } from "./settled.ts";

/** How many times we ask for a change while each time another one is in progress. */
const attempts = 4;

/**
 * Changes the container registry, and waits until it is changed.
 *
 * @param action as `PUT registries`
 * @returns what the client made of it
 * @throws RESOURCE_CONFLICT where the name is taken, or (retryable) where there is always another change
 */
export function change<Result>(
  context: AcrContext,
  call: Call,
  action: string,
  start: Parameters<typeof armOperation<Result>>[3],
): Promise<Result | undefined> {
  const permission = `Microsoft.ContainerRegistry/registries/${action.startsWith("DELETE") ? "delete" : "write"}`;
  const request = { action, permission, expected: (error: unknown) => isBusy(error) || isTold(error) };
  const once = async (tries: number) => {
    if (tries > 1) {
      // The other change may be this very one, begun by a request whose answer was lost.
      const found = await settledRegistry(context, call);
      if (found) refuseForeign(found, context);
    }
    try {
      return await armOperation<Result>(context.arm, call, request, start);
    } catch (error) {
      if (isTold(error)) throw translated(error, context);
      if (!isBusy(error)) throw error;
      const refused = () => translateArmError(error, { what: `Azure Resource Manager ${action}`, hint: permission });
      throw new NotYet(tries === attempts ? refused() : goesOn(action));
    }
  };
  return untilReady(once, call.signal, { ...looks, attempts });
}

function isBusy(error: unknown): boolean {
  const refusal = armRefusal(error);
  return refusal?.status === 409 && /progress|conflict/i.test(refusal.code);
}

/** Whether more can be told of a refusal than where other resources are concerned. */
function isTold(error: unknown): boolean {
  const refusal = armRefusal(error);
  return refusal?.status === 400 || (refusal?.status === 409 && isTaken(refusal.code));
}

function isTaken(code: string): boolean {
  return /^(?:AlreadyInUse|NameNotAvailable|RegistryNameNotAvailable)$/.test(code);
}

function translated(cause: unknown, { binding }: AcrContext): ArtifactRegistryError {
  const { registryName } = binding;
  const { code = "" } = armRefusal(cause) ?? {};
  if (isTaken(code)) {
    return new ArtifactRegistryError(
      "RESOURCE_CONFLICT",
      `The name "${registryName}" is that of a container registry elsewhere on Azure.`,
      { hint: "Names are unique in all of Azure: choose another registryName, or another ALIEN_STACK_PREFIX.", cause },
    );
  }
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `Azure refuses the registry "${registryName}" as asked.`, {
    hint: "See that ALIEN_AZURE_LOCATION is a location of Azure's, and that ALIEN_ACR_SKU has all that the registry uses.",
    ...(code !== "" && { context: { azure: code } }),
    cause,
  });
}
