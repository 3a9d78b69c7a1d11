import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type Backoff, untilReady } from "../../../core/waiting.ts";
import { googleCode, grpcCode, needed, unlessAbsent } from "../errors.ts";
import type { GarContext } from "../gar/context.ts";
import { ownershipLabel } from "../gar/own-repository.ts";
import { type AccountKind, accountEmail } from "../names.ts";
import type { GarPlace } from "../place.ts";
import { readerRole } from "../policy/document.ts";
import { notYetKnown } from "../policy/edit.ts";
import { endpointOf, type RestRequest, rest } from "../rest.ts";

/** The role that pushes: it also pulls, and can neither delete nor manage. */
export const writerRole = "roles/artifactregistry.writer";

/** The role under which a function mints for an account. */
export const tokenCreatorRole = "roles/iam.serviceAccountTokenCreator";

/** An account as it must be: its role is the one that it holds on the repository. */
export interface WantedAccount {
  readonly kind: AccountKind;
  readonly email: string;
  readonly role: string;
}

export function wantedAccounts(place: GarPlace): readonly [pull: WantedAccount, push: WantedAccount] {
  return [
    { kind: "pull", email: accountEmail(place, "pull"), role: readerRole },
    { kind: "push", email: accountEmail(place, "push"), role: writerRole },
  ];
}

/** The waits between two looks at an account that exists and cannot be seen yet. */
const looks: Backoff = { baseMs: 250, capMs: 4_000, jitter: "full" };

/** What is read of a service account. */
export interface Account {
  /** Stands for this very account, also when its name is taken again. */
  readonly uniqueId?: string;
  readonly description?: string;
  readonly disabled?: boolean;
}

/** In what an account is not as it must be. */
export type AccountState = "missing" | "foreign" | "disabled" | "ready";

export function stateOf(account: Account | undefined, { place }: GarContext): AccountState {
  if (account === undefined) return "missing";
  if (!bearsMark(account.description ?? "", place)) return "foreign";
  return account.disabled ? "disabled" : "ready";
}

/** @returns undefined where there is none */
export function findAccount(context: GarContext, email: string, call: Call): Promise<Account | undefined> {
  const request = iam<Account>(context, call, {
    action: "GetServiceAccount",
    permission: "iam.serviceAccounts.get",
    expected: [grpcCode.notFound],
    url: `${accountsUrl(context)}/${email}`,
  });
  return unlessAbsent(request);
}

/** @throws RESOURCE_CONFLICT where somebody else was faster */
export async function createAccount(context: GarContext, { kind, email }: WantedAccount, call: Call): Promise<void> {
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
    // Ours if an answer was lost on the way.
    const seen = async () => {
      const account = await findAccount(context, email, call);
      if (account === undefined) throw notYetKnown(email, error);
      return account;
    };
    refuseUnusableAccount(await untilReady(seen, call.signal, looks), email, context);
  }
}

/** Deletes this very account; one that is gone, or another of its name, is left alone. */
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
  await unlessAbsent(request);
}

/**
 * Refuses an account that must not be used.
 *
 * @throws RESOURCE_CONFLICT for one that is not ours, or that somebody disabled, which is theirs to take back
 */
export function refuseUnusableAccount(
  account: Account | undefined,
  email: string,
  context: GarContext,
  more = "",
): void {
  const state = stateOf(account, context);
  if (state === "ready" || state === "missing") return;
  const [what, hint] =
    state === "foreign"
      ? ["exists and is not this registry's", `${adoption(context)}, or choose another repository's name.`]
      : ["is disabled", "Enable it: who disabled it had a reason, so that provisioning does not."];
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `The service account ${email} ${what}.`, {
    hint: `${hint}${more}`,
  });
}

/** How somebody's account becomes the registry's. */
export function adoption({ place }: GarContext): string {
  return `Put "${ownershipMark(place)}" into its description to have it adopted`;
}

/**
 * A word in the description of a service account that is a registry's: accounts have no labels. It names the location
 * too, since accounts are the project's and a repository's id may be there in every location.
 */
export function ownershipMark({ location, repository }: GarPlace): string {
  return `${ownershipLabel}=${location}/${repository}`;
}

export function bearsMark(description: string, place: GarPlace): boolean {
  return description.split(/\s+/).includes(ownershipMark(place));
}

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
