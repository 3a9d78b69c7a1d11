/** The service accounts for which a registry's credentials are minted: finding, creating and deleting them. */
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { untilReady } from "../../../core/until-ready.ts";
import type { Backoff } from "../../../core/waiting.ts";
import { describePermission, explainedRefusal, googleCode, grpcCode, undefinedIfNotFound } from "../errors.ts";
import type { GarContext } from "../gar/context.ts";
import { ownershipLabel } from "../gar/own-repository.ts";
import { type AccountKind, accountEmail } from "../names.ts";
import type { GarPlace } from "../place.ts";
import { readerRole } from "../policy/document.ts";
import { accountNotYetKnown } from "../policy/edit.ts";
import type { Holder } from "../policy/holders.ts";
import { endpointOf, type RestRequest, rest } from "../rest.ts";

/** The role that pushes. It also pulls, but neither deletes nor manages. */
export const writerRole = "roles/artifactregistry.writer";

/** One of the registry's accounts, with the role that it holds on the repository. */
export interface RegistryAccount extends Holder {
  readonly kind: AccountKind;
}

export function registryAccounts(place: GarPlace): readonly [pull: RegistryAccount, push: RegistryAccount] {
  return [
    { kind: "pull", email: accountEmail(place, "pull"), role: readerRole },
    { kind: "push", email: accountEmail(place, "push"), role: writerRole },
  ];
}

/**
 * A word in the description of a registry's service account, because accounts have no labels. Accounts belong to the
 * project, in which every location may have a repository with the same id, so the mark names the location too.
 */
export function ownershipMark({ location, repository }: GarPlace): string {
  return `${ownershipLabel}=${location}/${repository}`;
}

export function hasOwnershipMark(description: string, place: GarPlace): boolean {
  return description.split(/\s+/).includes(ownershipMark(place));
}

/** The fields of a service account that we read. */
export interface Account {
  /** Names exactly this account, even after another one has taken its address. */
  readonly uniqueId?: string;
  readonly description?: string;
  readonly disabled?: boolean;
}

/** Whether an account can be used, or why it cannot. */
export type AccountState = "missing" | "foreign" | "disabled" | "ready";

export function accountState(account: Account | undefined, { place }: GarContext): AccountState {
  if (account === undefined) return "missing";
  if (!hasOwnershipMark(account.description ?? "", place)) return "foreign";
  return account.disabled ? "disabled" : "ready";
}

/** @returns undefined where there is none */
export function findAccount(context: GarContext, email: string, call: Call): Promise<Account | undefined> {
  return undefinedIfNotFound(getAccount(context, email, call, [grpcCode.notFound]));
}

function getAccount(context: GarContext, email: string, call: Call, expected: readonly number[]): Promise<Account> {
  return iam<Account>(context, call, {
    action: "GetServiceAccount",
    permission: "iam.serviceAccounts.get",
    expected,
    url: `${accountsUrl(context)}/${email}`,
  });
}

/** The waits between two looks at an account that exists but is not known everywhere yet. */
const visibilityBackoff: Backoff = { baseMs: 100, capMs: 1_000, jitter: "full" };

/**
 * How many looks in a row must find a new account: one that was found once may be missing again. Google's Terraform
 * provider asks for as many (GoogleCloudPlatform/magic-modules#14447).
 */
const looksInARow = 3;

/**
 * Waits until IAM knows an account that was made in this call, for as long as the operation has time.
 *
 * @throws SERVICE_UNAVAILABLE (retryable) where it does not in time, RESOURCE_CONFLICT for an account that is not ours
 */
export async function awaitAccount(context: GarContext, { email }: RegistryAccount, call: Call): Promise<void> {
  let found = 0;
  const known = async () => {
    const account = await getAccount(context, email, call, [grpcCode.notFound, grpcCode.permissionDenied]).catch(
      (error: unknown) => {
        found = 0;
        throw notYetOr(error, email, describePermission("iam.serviceAccounts.get", "the project"));
      },
    );
    refuseUnusableAccount(account, email, context);
    if (++found < looksInARow) throw accountNotYetKnown(email, undefined);
  };
  await untilReady(known, call.signal, visibilityBackoff);
}

/**
 * What an error means for an account that was just made: 404 and 403 mean that IAM does not know it yet, but for a 403 that
 * Google explains otherwise.
 *
 * @param needs the permission that a 403 may also mean
 */
export function notYetOr(error: unknown, email: string, needs: string): unknown {
  switch (googleCode(error)) {
    case grpcCode.notFound:
      return accountNotYetKnown(email, error);
    case grpcCode.permissionDenied:
      return explainedRefusal(error, "IAM") ?? accountNotYetKnown(email, error, needs);
    default:
      return error;
  }
}

/** Creates an account, or finds that it is there: the answer to an earlier request may have been lost. */
export async function createAccount(context: GarContext, { kind, email }: RegistryAccount, call: Call): Promise<void> {
  const { place } = context;
  const does = kind === "pull" ? "Pulls from" : "Pushes to";
  const request = {
    action: "CreateServiceAccount",
    permission: "iam.serviceAccounts.create",
    on: `the project ${place.project}`,
    expected: [grpcCode.alreadyExists],
    url: accountsUrl(context),
    method: "POST" as const,
    data: {
      accountId: email.slice(0, email.indexOf("@")),
      serviceAccount: {
        displayName: `${does} ${place.repository}`,
        description: `${does} an artifact registry. ${ownershipMark(place)}`,
      },
    },
  };
  try {
    await iam(context, call, request);
  } catch (error) {
    if (googleCode(error) !== grpcCode.alreadyExists) throw error;
  }
}

/** Deletes exactly this account. Nothing happens if it is gone, even if another one has taken its address. */
export async function deleteAccount(context: GarContext, { uniqueId }: Account, call: Call): Promise<void> {
  if (uniqueId === undefined) {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "IAM answered an account without its unique id.");
  }
  const request = iam(context, call, {
    action: "DeleteServiceAccount",
    permission: "iam.serviceAccounts.delete",
    expected: [grpcCode.notFound],
    url: `${accountsUrl(context)}/${uniqueId}`,
    method: "DELETE",
  });
  await undefinedIfNotFound(request);
}

/**
 * Refuses an account that must not be used.
 *
 * @param note ends the hint
 * @throws RESOURCE_CONFLICT for an account that is not ours, or that somebody disabled: only they may enable it again
 */
export function refuseUnusableAccount(
  account: Account | undefined,
  email: string,
  context: GarContext,
  note = "",
): void {
  const state = accountState(account, context);
  if (state === "ready" || state === "missing") return;
  const [what, hint] =
    state === "foreign"
      ? [
          "exists, but does not belong to this registry",
          `${howToAdoptAccount(context)}, or choose another repository name.`,
        ]
      : ["is disabled", "Enable it. Provisioning does not, because whoever disabled it had a reason."];
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `The service account ${email} ${what}.`, {
    hint: `${hint}${note}`,
  });
}

/** Says how somebody's account becomes the registry's. It is the beginning of a hint. */
export function howToAdoptAccount({ place }: GarContext): string {
  return `To have it adopted, put "${ownershipMark(place)}" into its description`;
}

export interface IamRequest extends Omit<RestRequest, "what" | "needs"> {
  /** The name of the method, as `GetServiceAccount`. */
  readonly action: string;
  /** The IAM permission that the method requires. */
  readonly permission: string;
  /** What the permission is required on. Default: the registry's service accounts. */
  readonly on?: string;
}

/** Sends one request to IAM. */
export function iam<T>(
  { identity }: GarContext,
  call: Call,
  { action, permission, on = "the registry's service accounts", ...request }: IamRequest,
): Promise<T> {
  return rest<T>(identity, call, { ...request, what: `IAM ${action}`, needs: describePermission(permission, on) });
}

/** The address of the service accounts in the registry's project. */
export function accountsUrl({ env, place }: GarContext): string {
  return `${endpointOf(env, "ALIEN_IAM_ENDPOINT", "iam.googleapis.com")}/v1/projects/${place.project}/serviceAccounts`;
}
