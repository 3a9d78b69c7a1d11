import type { Call } from "../../../core/call.ts";
import { invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { unlessAbsent } from "../errors.ts";
import { grpcCode } from "../grpc-codes.ts";
import { packageResource } from "../place.ts";
import type { GarContext } from "./context.ts";
import { operate } from "./operations.ts";

/**
 * Deletes exactly this image path, with all its versions and tags, and waits until it is gone. Idempotent.
 *
 * @throws INVALID_INPUT for the bare prefix, which is the registry itself
 */
export async function deletePackage(context: GarContext, name: RoutableName, call: Call): Promise<void> {
  const path = context.names.imagePath(name);
  if (path === "") {
    throw invalidInput(`"${name}" is the registry itself; it is not deleted by itself.`, "repoId");
  }
  const request = { name: packageResource(context.place, path) };
  const options = {
    action: "DeletePackage",
    permission: "artifactregistry.packages.delete",
    expected: [grpcCode.notFound],
  };
  // What is gone already is as it should be.
  await unlessAbsent(operate(context, call, options, (client, more) => client.deletePackage(request, more)));
}
