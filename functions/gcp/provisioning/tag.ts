/** The resource tag that opens a registry, which was provisioned at run time, to the functions' other doors. */
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { NotYet, untilReady } from "../../../core/until-ready.ts";
import type { Backoff } from "../../../core/waiting.ts";
import { describePermission, googleCode, grpcCode } from "../errors.ts";
import type { GarContext } from "../gar/context.ts";
import { endpointOf, rest } from "../rest.ts";

const variable = "ALIEN_REGISTRY_TAG";

/**
 * The id of the tag's value, `tagValues/123`. Where doors have their rights under a condition on a tag, as infra/gcp binds
 * them for derived registries, this says which one.
 *
 * @returns undefined where the registries of this stack have none
 * @throws BINDING_CONFIG_INVALID for what is no such id
 */
export function registryTag({ env }: GarContext): string | undefined {
  const tag = env[variable];
  if (tag === undefined || tag === "") return undefined;
  if (/^tagValues\/\d+$/.test(tag)) return tag;
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `${variable} is not the id of a tag value.`, {
    hint: `Set ${variable} to the permanent id, such as tagValues/281484271805522, or leave it out.`,
    context: { variable },
  });
}

/** Whether the tag is attached to the registry's repository, which must exist. */
export async function hasTag(context: GarContext, tag: string, call: Call): Promise<boolean> {
  const answer = await rest<{ readonly tagBindings?: readonly { readonly tagValue?: string }[] }>(
    context.identity,
    call,
    {
      what: "Resource Manager ListTagBindings",
      url: `${tagBindingsUrl(context)}?parent=${encodeURIComponent(parentOf(context))}&pageSize=${pageSize}`,
      needs: describePermission("artifactregistry.repositories.listTagBindings", repositoryOf(context)),
    },
  );
  return (answer.tagBindings ?? []).some(({ tagValue }) => tagValue === tag);
}

/** As many as one page holds at most. A resource has at most 50 tags (Resource Manager, "Tags overview"). */
const pageSize = 300;

/** The waits between two looks for a tag that is being attached. */
const attachingBackoff: Backoff = { baseMs: 100, capMs: 2_000, jitter: "full" };

/**
 * Attaches the tag to the registry's repository, and waits until it is there.
 *
 * @throws RESOURCE_CONFLICT where it is not there in time (retryable), or another value of its key is (not retryable)
 */
export async function attachTag(context: GarContext, tag: string, call: Call): Promise<void> {
  const what = "Resource Manager CreateTagBinding";
  const needs =
    `${describePermission("artifactregistry.repositories.createTagBinding", repositoryOf(context))}, and ` +
    describePermission("resourcemanager.tagValueBindings.create", `the tag value ${tag}`);
  const expected = [grpcCode.alreadyExists, grpcCode.invalidArgument, grpcCode.failedPrecondition];
  const data = { parent: parentOf(context), tagValue: tag };
  try {
    await rest(context.identity, call, { what, needs, expected, url: tagBindingsUrl(context), method: "POST", data });
  } catch (error) {
    switch (googleCode(error)) {
      case grpcCode.alreadyExists:
        // Somebody else attaches it right now, or the answer to an earlier request was lost.
        break;
      case grpcCode.invalidArgument:
      case grpcCode.failedPrecondition:
        throw refusedTag(context, tag, error);
      default:
        throw error;
    }
  }
  // The answer is a long-running operation. Whether it has succeeded, the list tells.
  const attached = async () => {
    if (!(await hasTag(context, tag, call))) throw notYetAttached(context, tag);
  };
  await untilReady(attached, call.signal, attachingBackoff);
}

function refusedTag({ place }: GarContext, tag: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `${tag} cannot be attached to "${place.repository}".`, {
    hint: `A resource has one value of each tag key. Take away the other value of this key, or correct ${variable}.`,
    cause,
  });
}

function notYetAttached({ place }: GarContext, tag: string): NotYet {
  return new NotYet(
    new ArtifactRegistryError("RESOURCE_CONFLICT", `${tag} is not attached to "${place.repository}" yet.`, {
      retryable: true,
      hint: "The same call again finishes what is left.",
    }),
  );
}

const repositoryOf = ({ place }: GarContext) => `the repository ${place.repository}`;

/** The full resource name of the registry's repository. */
const parentOf = ({ resource }: GarContext) => `//artifactregistry.googleapis.com/${resource}`;

/** The tag bindings of a resource in one location are managed at that location's endpoint. */
function tagBindingsUrl({ env, place }: GarContext): string {
  const host = `${place.location}-cloudresourcemanager.googleapis.com`;
  return `${endpointOf(env, "ALIEN_RESOURCE_MANAGER_ENDPOINT", host)}/v3/tagBindings`;
}
