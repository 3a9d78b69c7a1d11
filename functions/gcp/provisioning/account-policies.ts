import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { googleCode, translateGoogleError } from "../errors.ts";
import type { GarContext } from "../gar/context.ts";
import { grpcCode } from "../grpc-codes.ts";
import { compareAndSwap, conflict } from "../policy/compare-and-swap.ts";
import { type IamPolicy, policyVersion } from "../policy/document.ts";
import { withHolders } from "../policy/holders.ts";
import { notYetKnown, unknownMember } from "../policy/unknown-member.ts";
import { accountsUrl, iam } from "./iam.ts";
import { tokenCreatorRole } from "./wanted.ts";

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
