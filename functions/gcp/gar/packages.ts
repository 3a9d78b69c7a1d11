import type { Call } from "../../../core/call.ts";
import { invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { googleCode } from "../errors.ts";
import { grpcCode } from "../grpc-codes.ts";
import { packageResource } from "../place.ts";
import { type GarContext, rpc } from "./context.ts";
import { finished, type Operation } from "./operations.ts";

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
  try {
    const started = await rpc(context, call, options, async (client, more) => {
      const [operation] = await client.deletePackage(request, more);
      return operation.latestResponse as Operation;
    });
    await finished(context, started, options, call);
  } catch (error) {
    // What is gone already is as it should be.
    if (googleCode(error) !== grpcCode.notFound) throw error;
  }
}
