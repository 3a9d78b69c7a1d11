/** Soft delete of a registry, a preview of Azure: the versions of its interface that are not previews do not tell of it. */
import * as v from "valibot";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { armRequest } from "../arm/requests.ts";
import type { AcrContext } from "./context.ts";

/** @see Microsoft.ContainerRegistry/Registry/preview/2025-05-01-preview in Azure/azure-rest-api-specs */
const preview = "2025-05-01-preview";

const policy = v.looseObject({ status: v.string(), retentionDays: v.optional(v.number(), 7) });
const document = v.looseObject({
  properties: v.looseObject({ policies: v.looseObject({ softDeletePolicy: policy }) }),
});

/**
 * For how many days the registry keeps what was deleted.
 *
 * @returns undefined if soft delete is off, or if Azure does not tell: a preview may end, and not every cloud has it
 */
export async function softDeleteDays({ arm, binding }: AcrContext, call: Call): Promise<number | undefined> {
  const request = { action: "GET registries", permission: "Microsoft.ContainerRegistry/registries/read" };
  let answer: unknown;
  try {
    await armRequest(arm, call, request, ({ clientOf }, options) =>
      // The client drops what its own version does not know, so we read the answer itself.
      clientOf(preview).registries.get(binding.resourceGroupName, binding.registryName, {
        ...options,
        onResponse: (response) => {
          answer = response.parsedBody;
        },
      }),
    );
  } catch (error) {
    if (error instanceof ArtifactRegistryError) return undefined;
    throw error;
  }
  const told = v.safeParse(document, answer);
  if (!told.success) return undefined;
  const { status, retentionDays } = told.output.properties.policies.softDeletePolicy;
  return status === "enabled" ? retentionDays : undefined;
}
