import type { Call } from "../../../core/call.ts";
import type { RoutableName } from "../../../core/names.ts";
import { unexpected } from "../errors.ts";
import { registryUrl } from "../place.ts";
import { accessToken, onRepository } from "./access-token.ts";
import type { AcrContext } from "./context.ts";
import { askRegistry, type RegistryAnswer, textOf } from "./http.ts";
import { type Action, missingRoles } from "./roles.ts";

/**
 * When the repository got its first image.
 *
 * @returns undefined where it has none: to the registry a repository is what has been pushed
 */
export async function firstPush(context: AcrContext, name: RoutableName, call: Call): Promise<Date | undefined> {
  const { status, json } = await ask(context, name, "GET", "metadata_read", call);
  if (status === 404) return undefined;
  const createdAt = new Date(textOf(json, "createdTime") ?? Number.NaN);
  if (Number.isNaN(createdAt.getTime())) throw unexpected("ACR GET repository");
  return createdAt;
}

/** Deletes exactly this repository with all its images. One that does not exist is deleted already. */
export async function deleteImages(context: AcrContext, name: RoutableName, call: Call): Promise<void> {
  await ask(context, name, "DELETE", "delete", call);
}

/** The registry's own API for repositories, with a token for just this request. */
async function ask(
  context: AcrContext,
  name: RoutableName,
  method: "GET" | "DELETE",
  action: Action,
  call: Call,
): Promise<RegistryAnswer> {
  const url = registryUrl(await context.loginServer(call), context.env);
  const { token } = await accessToken(context, onRepository(name, [action]), call);
  return askRegistry(context, call, {
    what: `ACR ${method} repository`,
    hint: missingRoles([action], name),
    // As one segment: `team` must never be read where `team/app` is meant.
    url: `${url}/acr/v1/${encodeURIComponent(name)}?api-version=2021-07-01`,
    method,
    authorization: `Bearer ${token.reveal()}`,
    expect: [200, 202, 404],
  });
}
