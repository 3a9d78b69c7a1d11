/** The IAM policy of the registry's own repository: reading it, and changing it without losing anybody's edit. */
import type { protos } from "@google-cloud/artifact-registry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { explainedRefusal, googleCode, grpcCode } from "../errors.ts";
import { type IamPolicy, policyVersion } from "../policy/document.ts";
import { accountNotYetKnown, compareAndSwap, policyConflict, unknownMember, withEtag } from "../policy/edit.ts";
import { type GarContext, rpc, translateRpcError } from "./context.ts";
import { noRepository } from "./own-repository.ts";

/** Names the policy in errors. */
const repositoryPolicy = "The repository's IAM policy";

/**
 * Changes the repository's policy without losing anybody's edit.
 *
 * @param change pure. Where there is nothing to do it returns the same policy object, and nothing is written.
 * @param newAccounts e-mail addresses of accounts that were just created. IAM may not know them yet; then it is asked again.
 */
export function editPolicy(
  context: GarContext,
  change: (policy: IamPolicy) => IamPolicy,
  call: Call,
  newAccounts: readonly string[] = [],
): Promise<void> {
  const resource = {
    what: repositoryPolicy,
    read: () => readPolicy(context, call),
    write: (policy: IamPolicy) => writePolicy(context, policy, call, newAccounts),
  };
  return compareAndSwap(resource, change, call);
}

/** Reads the repository's policy, together with its conditional bindings. */
export async function readPolicy(context: GarContext, call: Call): Promise<IamPolicy> {
  const method = {
    action: "GetIamPolicy",
    permission: "artifactregistry.repositories.getIamPolicy",
    expected: [grpcCode.notFound],
  };
  try {
    const [policy] = await rpc(context, call, method, (client, options) =>
      client.getIamPolicy({ resource: context.resource, options: { requestedPolicyVersion: policyVersion } }, options),
    );
    return withEtag(policy as IamPolicy, repositoryPolicy);
  } catch (error) {
    if (googleCode(error) === grpcCode.notFound) throw noRepository(context, error);
    throw error;
  }
}

/**
 * Replaces the policy that has the same etag.
 *
 * @throws NotYet when somebody has changed the policy meanwhile, or IAM does not know one of `newAccounts` yet; then
 *   nothing was written
 * @throws INVALID_INPUT naming another member that IAM does not know
 */
async function writePolicy(
  context: GarContext,
  policy: IamPolicy,
  call: Call,
  newAccounts: readonly string[],
): Promise<void> {
  const method = {
    action: "SetIamPolicy",
    permission: "artifactregistry.repositories.setIamPolicy",
    expected: [grpcCode.aborted, grpcCode.invalidArgument, grpcCode.failedPrecondition, grpcCode.notFound],
  };
  try {
    await rpc(context, call, method, (client, options) =>
      client.setIamPolicy({ resource: context.resource, policy: policy as protos.google.iam.v1.IPolicy }, options),
    );
  } catch (error) {
    switch (googleCode(error)) {
      case grpcCode.aborted:
        throw policyConflict(repositoryPolicy, error);
      case grpcCode.invalidArgument: {
        const member = unknownMember(error);
        if (member === undefined) throw translateRpcError(error, context, method);
        throw newAccounts.includes(member) ? accountNotYetKnown(member, error) : noSuchMember(member, error);
      }
      case grpcCode.failedPrecondition:
        throw (
          explainedRefusal(error, "Artifact Registry SetIamPolicy") ??
          new ArtifactRegistryError("ACCESS_DENIED", "The project's organisation does not allow this grant.", {
            hint: "See the organisation policy iam.allowedPolicyMemberDomains.",
            cause: error,
          })
        );
      case grpcCode.notFound:
        throw noRepository(context, error);
      default:
        throw error;
    }
  }
}

function noSuchMember(member: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("INVALID_INPUT", `Google Cloud does not know the member ${member}.`, {
    hint:
      "Create it first; IAM may take minutes to know a new account. If it was granted earlier and is gone, remove it " +
      "from the repository's IAM policy.",
    context: { field: "access", member },
    cause,
  });
}
