import { GoogleAuth } from "google-auth-library";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { cloudPlatform } from "../auth.ts";
import { isServiceAccount } from "../binding.ts";
import { googleCode, grpcCode, translateGoogleError } from "../errors.ts";
import type { GarContext } from "../gar/context.ts";
import { type IamPolicy, policyVersion } from "../policy/document.ts";
import { compareAndSwap, conflict, notYetKnown, unknownMember } from "../policy/edit.ts";
import { withHolders } from "../policy/holders.ts";
import { accountsUrl, iam, tokenCreatorRole } from "./accounts.ts";

const variable = "ALIEN_FUNCTION_SERVICE_ACCOUNTS";

/**
 * The service accounts of the functions that mint: those that `ALIEN_FUNCTION_SERVICE_ACCOUNTS` lists, separated by
 * commas, or this function's own.
 *
 * @throws BINDING_CONFIG_INVALID
 */
export async function functionAccounts({ env }: GarContext, call: Call): Promise<readonly string[]> {
  const listed = (env[variable] ?? "").split(",").flatMap((email) => email.trim() || []);
  const own = listed.length > 0 ? undefined : await call.upstream("The function's own e-mail address", ownEmail);
  const emails = own === undefined ? [...new Set(listed)] : [own];
  if (emails.length > 0 && emails.every(isServiceAccount)) return emails;
  const what = listed.length > 0 ? `${variable} names what is no service account` : "The function runs as none";
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `${what}.`, {
    hint: `Set ${variable} to the e-mail addresses of the functions that mint credentials, separated by commas.`,
    context: { variable },
  });
}

/** @returns undefined for an identity that is no service account, or where there is none */
async function ownEmail(): Promise<string | undefined> {
  try {
    return (await new GoogleAuth({ scopes: [cloudPlatform] }).getCredentials()).client_email;
  } catch (error) {
    const translated = translateGoogleError(error, "The function's own e-mail address", "an identity");
    if (translated instanceof ArtifactRegistryError && !translated.retryable) return undefined;
    throw translated;
  }
}

/** Lets the functions mint for an account. Whoever else its policy names stays. */
export async function letMint(
  context: GarContext,
  email: string,
  functions: readonly string[],
  call: Call,
): Promise<void> {
  const holder = {
    what: "The service account's IAM policy",
    read: () => readNewAccountPolicy(context, email, call),
    write: (policy: IamPolicy) => writeAccountPolicy(context, { email, functions, policy }, call),
  };
  const holders = functions.map((each) => ({ email: each, role: tokenCreatorRole }));
  await compareAndSwap(holder, (policy) => withHolders(policy, holders, false), call);
}

/** Who may do what with an account, with the conditional bindings. */
export function readAccountPolicy(context: GarContext, email: string, call: Call): Promise<IamPolicy> {
  return iam<IamPolicy>(context, call, {
    action: "GetIamPolicy",
    permission: "iam.serviceAccounts.getIamPolicy",
    url: `${accountsUrl(context)}/${email}:getIamPolicy?options.requestedPolicyVersion=${policyVersion}`,
    method: "POST",
  });
}

/** @throws NotYet while IAM does not know the account, which was just made */
async function readNewAccountPolicy(context: GarContext, email: string, call: Call): Promise<IamPolicy> {
  try {
    return await readAccountPolicy(context, email, call);
  } catch (error) {
    if (!(error instanceof ArtifactRegistryError && error.code === "RESOURCE_NOT_FOUND")) throw error;
    throw notYetKnown(email, error);
  }
}

interface Edited {
  readonly email: string;
  readonly functions: readonly string[];
  readonly policy: IamPolicy;
}

async function writeAccountPolicy(context: GarContext, { email, functions, policy }: Edited, call: Call) {
  const request = { action: "SetIamPolicy", permission: "iam.serviceAccounts.setIamPolicy" };
  try {
    await iam(context, call, {
      ...request,
      url: `${accountsUrl(context)}/${email}:setIamPolicy`,
      method: "POST",
      data: { policy },
      expected: [grpcCode.aborted, grpcCode.notFound, grpcCode.invalidArgument],
    });
  } catch (error) {
    switch (googleCode(error)) {
      case grpcCode.aborted:
        throw conflict("The service account's IAM policy", error);
      case grpcCode.notFound:
        throw notYetKnown(email, error);
      case grpcCode.invalidArgument: {
        const member = unknownMember(error);
        throw member === undefined
          ? translateGoogleError(error, "IAM SetIamPolicy", request.permission)
          : noFunction(member, functions.includes(member), error);
      }
      default:
        throw error;
    }
  }
}

function noFunction(member: string, isFunction: boolean, cause: unknown): ArtifactRegistryError {
  const hint = isFunction
    ? "Correct ALIEN_FUNCTION_SERVICE_ACCOUNTS: it lists the service accounts of the functions that mint."
    : "It was given rights on the registry's service accounts, and is gone: remove it from their IAM policies.";
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `Google Cloud does not know the member ${member}.`, {
    hint,
    cause,
  });
}
