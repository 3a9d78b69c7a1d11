import type { ECRClient } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import type { EcrBinding } from "../binding.ts";
import type { Clients } from "../clients.ts";
import { translateAwsError } from "../errors.ts";
import type { Place } from "../place.ts";

/** What every part of the adapter works with. */
export interface EcrContext {
  readonly binding: EcrBinding;
  readonly place: Place;
  readonly clients: Clients;
  /** Regions that hold replicas; the home region is never among them. */
  readonly replicaRegions: readonly string[];
}

/** The context of one call. `fresh` asks anew for what may have changed, as the regions of a derived binding. */
export type ContextFor = (call: Call, fresh?: "fresh") => Promise<EcrContext>;

/**
 * One request to ECR in one region.
 *
 * @param action as IAM names it, without `ecr:`
 * @throws ArtifactRegistryError for what every action may meet; the action's own errors pass, to be told apart by name
 */
export function ecr<T>(
  { clients, place }: EcrContext,
  call: Call,
  action: string,
  send: (client: ECRClient, options: { abortSignal: AbortSignal }) => Promise<T>,
  { region = place.region, expected = [], needs }: EcrRequestOptions = {},
): Promise<T> {
  const what = `ECR ${action}${region === place.region ? "" : ` in ${region}`}`;
  return call.upstream(what, async (abortSignal) => {
    try {
      return await send(clients.ecr(region), { abortSignal });
    } catch (error) {
      if (error instanceof Error && expected.includes(error.name)) throw error;
      throw translateAwsError(error, what, needs ?? `ecr:${action} on the repository, in ${region}`);
    }
  });
}

export interface EcrRequestOptions {
  readonly region?: string;
  /** Names of errors that mean something to the caller of this function. */
  readonly expected?: readonly string[];
  /** The permissions without which it is denied, where the action's own is not all. */
  readonly needs?: string;
}
