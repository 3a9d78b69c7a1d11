import { OciError } from "../http/errors.ts";
import { send, sendJson } from "../http/respond.ts";
import { deleteRepository, repositoryCreatedAt } from "../store/repositories.ts";
import type { Call, Services } from "./call.ts";

/** Extension: since when a repository has been here, if it holds a manifest. */
export async function getRepository({ store }: Services, { res, name }: Call): Promise<void> {
  const createdAt = await repositoryCreatedAt(store, name);
  if (createdAt === undefined) throw unknown(name);
  sendJson(res, 200, { name, createdAt });
}

/** Extension: deletes a repository with its manifests, tags and blobs, and none that is nested below its name. */
export async function removeRepository({ store }: Services, { res, name }: Call): Promise<void> {
  if (!(await deleteRepository(store, name))) throw unknown(name);
  send(res, 202, {});
}

function unknown(name: string): OciError {
  return new OciError(404, "NAME_UNKNOWN", `There is no repository ${name}.`);
}
