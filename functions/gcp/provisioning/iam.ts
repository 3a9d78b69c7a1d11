import type { Call } from "../../../core/call.ts";
import type { GarContext } from "../gar/context.ts";
import { needed } from "../policy/permissions.ts";
import { endpointOf, type RestRequest, rest } from "../rest.ts";

export interface IamRequest extends Omit<RestRequest, "what" | "needs"> {
  /** The method, as `GetServiceAccount`. */
  readonly action: string;
  /** That it needs. */
  readonly permission: string;
  /** What it is needed on; absent means the registry's service accounts. */
  readonly on?: string;
}

/** One request to IAM. */
export function iam<T>(
  { identity }: GarContext,
  call: Call,
  { action, permission, on = "the registry's service accounts", ...request }: IamRequest,
): Promise<T> {
  return rest<T>(identity, call, { ...request, what: `IAM ${action}`, needs: needed(permission, on) });
}

/** Where the service accounts of the registry's project are. */
export function accountsUrl({ env, place }: GarContext): string {
  return `${endpointOf(env, "ALIEN_IAM_ENDPOINT", "iam.googleapis.com")}/v1/projects/${place.project}/serviceAccounts`;
}
