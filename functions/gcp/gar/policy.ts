import type { protos } from "@google-cloud/artifact-registry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { googleCode, grpcCode, translateGoogleError } from "../errors.ts";
import { repositoryResource } from "../place.ts";
import { type IamPolicy, policyVersion } from "../policy/document.ts";
import { compareAndSwap, conflict, notYetKnown, unknownMember, withEtag } from "../policy/edit.ts";
import { type GarContext, neededFor, rpc } from "./context.ts";

/** As errors name it. */
export const repositoryPolicy = "The repository's IAM policy";

/**
 * Changes the repository's policy, so that no edit of anybody's is lost.
 *
 * @param change pure; gives back the very policy where there is nothing to do, and nothing is written
 * @param awaited e-mails of accounts that were just made: IAM may not know them yet, and is asked until it does
 */
export function editPolicy(
  context: GarContext,
  change: (policy: IamPolicy) => IamPolicy,
  call: Call,
  awaited: readonly string[] = [],
): Promise<void> {
  const holder = {
    what: repositoryPolicy,
    read: () => readPolicy(context, call),
    write: (policy: IamPolicy) => writePolicy(context, policy, call, awaited),
  };
  return compareAndSwap(holder, change, call);
}

/** Reads the repository's policy, with its conditional bindings. */
export async function readPolicy(context: GarContext, call: Call): Promise<IamPolicy> {
  const resource = repositoryResource(context.place);
  try {
    const options = {
      action: "GetIamPolicy",
      permission: "artifactregistry.repositories.getIamPolicy",
      expected: [grpcCode.notFound],
    };
    const [policy] = await rpc(context, call, options, (client, more) =>
      client.getIamPolicy({ resource, options: { requestedPolicyVersion: policyVersion } }, more),
    );
    return withEtag(policy as IamPolicy, repositoryPolicy);
  } catch (error) {
    if (googleCode(error) === grpcCode.notFound) throw noRepository(context, error);
    throw error;
  }
}

/**
 * Puts a policy in the place of the one with the same etag.
 *
 * @param awaited e-mails of accounts that are there, though IAM may not know them yet
 * @throws NotYet where somebody changed it in between, or IAM does not know such an account: nothing was written
 * @throws INVALID_INPUT naming another member that IAM does not know
 */
export async function writePolicy(
  context: GarContext,
  policy: IamPolicy,
  call: Call,
  awaited: readonly string[],
): Promise<void> {
  const resource = repositoryResource(context.place);
  const options = {
    action: "SetIamPolicy",
    permission: "artifactregistry.repositories.setIamPolicy",
    expected: [grpcCode.aborted, grpcCode.invalidArgument, grpcCode.failedPrecondition, grpcCode.notFound],
  };
  try {
    await rpc(context, call, options, (client, more) =>
      client.setIamPolicy({ resource, policy: policy as protos.google.iam.v1.IPolicy }, more),
    );
  } catch (error) {
    switch (googleCode(error)) {
      case grpcCode.aborted:
        throw conflict(repositoryPolicy, error);
      case grpcCode.invalidArgument: {
        const member = unknownMember(error);
        if (member === undefined) {
          throw translateGoogleError(error, "Artifact Registry SetIamPolicy", neededFor(context, options));
        }
        throw awaited.includes(member) ? notYetKnown(member, error) : noMember(member, error);
      }
      case grpcCode.failedPrecondition:
        throw new ArtifactRegistryError("ACCESS_DENIED", "The project's organisation does not allow this grant.", {
          hint: "See the organisation policy iam.allowedPolicyMemberDomains.",
          cause: error,
        });
      case grpcCode.notFound:
        throw noRepository(context, error);
      default:
        throw error;
    }
  }
}

function noMember(member: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("INVALID_INPUT", `Google Cloud does not know the member ${member}.`, {
    hint: "Create it first, or, where it was granted earlier and is gone, remove it from the repository's IAM policy.",
    context: { field: "access", member },
    cause,
  });
}

function noRepository({ place }: GarContext, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    `There is no repository "${place.repository}" of Artifact Registry in ${place.location}.`,
    { hint: "Create it, with format Docker, or correct the binding.", cause },
  );
}
