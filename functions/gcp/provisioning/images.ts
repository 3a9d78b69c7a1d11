import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { unlessAbsent } from "../errors.ts";
import { type GarContext, rpc } from "../gar/context.ts";
import { grpcCode } from "../grpc-codes.ts";
import { repositoryResource } from "../place.ts";

/** How many image paths are counted, which one page of a list holds. */
const counted = 1_000;

/** @throws RESOURCE_CONFLICT (not retryable) while the registry holds images */
export async function refuseImages(context: GarContext, call: Call): Promise<void> {
  const options = {
    action: "ListPackages",
    permission: "artifactregistry.packages.list",
    expected: [grpcCode.notFound],
  };
  const request = { parent: repositoryResource(context.place), pageSize: counted };
  const listed = rpc(context, call, options, (client, more) =>
    client.listPackages(request, { ...more, autoPaginate: false }),
  );
  const [packages] = (await unlessAbsent(listed)) ?? [[]];
  const repositories = packages.length;
  if (repositories === 0) return;
  const number = `${repositories}${repositories < counted ? "" : " or more"}`;
  const what = repositories === 1 ? "a repository" : `${number} repositories`;
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry still holds ${what}.`, {
    hint: "Delete them first, or pass deleteRepositories: true.",
    context: { repositories },
  });
}
