/** Who may mint for the registry's service accounts: the functions, by the IAM policy of each account. */
import { GoogleAuth } from "google-auth-library";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { NotYet } from "../../../core/until-ready.ts";
import { cloudPlatform } from "../auth.ts";
import { isServiceAccount } from "../binding.ts";
import { describePermission, googleCode, grpcCode, translateGoogleError } from "../errors.ts";
import type { GarContext } from "../gar/context.ts";
import { type IamPolicy, policyVersion } from "../policy/document.ts";
import { compareAndSwap, policyConflict, unknownMember } from "../policy/edit.ts";
import { withHolders } from "../policy/holders.ts";
import { accountsUrl, iam, notYetOr } from "./accounts.ts";

/** The role that lets a function mint for an account. */
export const tokenCreatorRole = "roles/iam.serviceAccountTokenCreator";

const variable = "ALIEN_FUNCTION_SERVICE_ACCOUNTS";

/**
 * The service accounts of the functions that mint: those that `ALIEN_FUNCTION_SERVICE_ACCOUNTS` lists, separated by
 * commas, or this function's own.
 *
 * @throws BINDING_CONFIG_INVALID where the list is not valid, or this function has no service account
 */
export async function functionAccounts({ env }: GarContext, call: Call): Promise<readonly string[]> {
  const listed = (env[variable] ?? "").split(",").flatMap((email) => email.trim() || []);
  const own = listed.length > 0 ? undefined : await call.upstream("The function's own e-mail address", ownEmail);
  const emails = own === undefined ? [...new Set(listed)] : [own];
  if (emails.length > 0 && emails.every(isServiceAccount)) return emails;
  const what =
    listed.length > 0
      ? `${variable} names something that is not a service account`
      : "The function does not run under a service account";
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `${what}.`, {
    hint: `Set ${variable} to the e-mail addresses of the functions that mint credentials, separated by commas.`,
    context: { variable },
  });
}

/** @returns undefined for an identity that is not a service account, or where there is none */
async function ownEmail(): Promise<string | undefined> {
  try {
    return (await new GoogleAuth({ scopes: [cloudPlatform] }).getCredentials()).client_email;
  } catch (error) {
    const translated = translateGoogleError(error, "The function's own e-mail address", "an identity");
    if (translated instanceof ArtifactRegistryError && !translated.retryable) return undefined;
    throw translated;
  }
}

/** Names the policy in errors. */
const accountPolicy = "The service account's IAM policy";

/**
 * How often a policy of an account that was made in this call may be denied. By then IAM knows the account itself, so that a
 * permission which is missing is the likelier cause; the waits between the tries come to about four seconds.
 */
const deniedTries = 6;

/**
 * Lets the functions mint for an account. Nobody else whom its policy names loses anything.
 *
 * @param isNew whether the account was made in this call: then a 403, too, may mean that IAM does not know it yet
 */
export async function allowMinting(
  context: GarContext,
  email: string,
  functions: readonly string[],
  call: Call,
  isNew: boolean,
): Promise<void> {
  let denied = 0;
  const patiently = async <T>(permission: string, request: Promise<T>) => {
    try {
      return await request;
    } catch (error) {
      const needs = describePermission(permission, "the registry's service accounts");
      if (googleCode(error) !== grpcCode.permissionDenied) throw notYetOr(error, email, needs);
      if (!isNew) throw translateGoogleError(error, "IAM policy of a service account", needs);
      const notYet = notYetOr(error, email, needs);
      throw notYet instanceof NotYet && ++denied >= deniedTries ? notYet.atLast : notYet;
    }
  };
  const resource = {
    what: accountPolicy,
    read: () => patiently("iam.serviceAccounts.getIamPolicy", readAccountPolicy(context, email, call, unknown)),
    write: (policy: IamPolicy) =>
      patiently("iam.serviceAccounts.setIamPolicy", writeAccountPolicy(context, { email, functions, policy }, call)),
  };
  const holders = functions.map((each) => ({ email: each, role: tokenCreatorRole }));
  await compareAndSwap(resource, (policy) => withHolders(policy, holders, false), call);
}

/** The codes for an account that IAM does not know, or does not know yet. */
const unknown: readonly number[] = [grpcCode.notFound, grpcCode.permissionDenied];

/** Reads the IAM policy of an account, together with its conditional bindings. @param expected codes that the caller handles */
export function readAccountPolicy(
  context: GarContext,
  email: string,
  call: Call,
  expected: readonly number[] = [],
): Promise<IamPolicy> {
  return iam<IamPolicy>(context, call, {
    action: "GetIamPolicy",
    permission: "iam.serviceAccounts.getIamPolicy",
    expected,
    url: `${accountsUrl(context)}/${email}:getIamPolicy?options.requestedPolicyVersion=${policyVersion}`,
    method: "POST",
  });
}

interface MintingEdit {
  readonly email: string;
  readonly functions: readonly string[];
  readonly policy: IamPolicy;
}

async function writeAccountPolicy(
  context: GarContext,
  { email, functions, policy }: MintingEdit,
  call: Call,
): Promise<void> {
  const method = { action: "SetIamPolicy", permission: "iam.serviceAccounts.setIamPolicy" };
  try {
    await iam(context, call, {
      ...method,
      url: `${accountsUrl(context)}/${email}:setIamPolicy`,
      method: "POST",
      data: { policy },
      expected: [grpcCode.aborted, grpcCode.invalidArgument, ...unknown],
    });
  } catch (error) {
    switch (googleCode(error)) {
      case grpcCode.aborted:
        throw policyConflict(accountPolicy, error);
      case grpcCode.invalidArgument: {
        const member = unknownMember(error);
        throw member === undefined
          ? translateGoogleError(error, "IAM SetIamPolicy", method.permission)
          : noSuchMember(member, functions.includes(member), error);
      }
      default:
        throw error;
    }
  }
}

function noSuchMember(member: string, isFunction: boolean, cause: unknown): ArtifactRegistryError {
  const hint = isFunction
    ? `Correct ${variable}, which lists the service accounts of the functions that mint. IAM may take minutes to know a new one.`
    : "It had rights on the registry's service accounts, and is gone. Remove it from their IAM policies.";
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `Google Cloud does not know the member ${member}.`, {
    hint,
    cause,
  });
}
