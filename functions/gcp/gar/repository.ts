import type { Call } from "../../../core/call.ts";
import { unlessAbsent } from "../errors.ts";
import { grpcCode } from "../grpc-codes.ts";
import { repositoryResource } from "../place.ts";
import { needed } from "../policy/permissions.ts";
import { endpointOf, rest } from "../rest.ts";
import type { GarContext } from "./context.ts";

/** What is read of a repository of Artifact Registry. */
export interface Repository {
  /** As `DOCKER`. */
  readonly format?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * The registry's repository, by a plain request: a derived binding is proven by its labels before credentials are minted,
 * and that must not load gRPC.
 *
 * @returns undefined where there is none
 */
export function findRepository({ place, identity, env }: GarContext, call: Call): Promise<Repository | undefined> {
  const endpoint = endpointOf(env, "ALIEN_GAR_REST_ENDPOINT", "artifactregistry.googleapis.com");
  const request = rest<Repository>(identity, call, {
    what: "Artifact Registry GetRepository",
    url: `${endpoint}/v1/${repositoryResource(place)}`,
    needs: needed("artifactregistry.repositories.get", `the repository ${place.repository}`),
    expected: [grpcCode.notFound],
  });
  return unlessAbsent(request);
}
