import type { protos } from "@google-cloud/artifact-registry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { googleCode, googleMessage, translateGoogleError } from "../errors.ts";
import { grpcCode } from "../grpc-codes.ts";
import { repositoryResource } from "../place.ts";
import { type IamPolicy, policyVersion } from "../policy/document.ts";
import { type GarContext, rpc } from "./context.ts";

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
    return policy as IamPolicy;
  } catch (error) {
    if (googleCode(error) === grpcCode.notFound) throw noRepository(context, error);
    throw error;
  }
}

/**
 * Puts a policy in the place of the one with the same etag.
 *
 * @returns false where somebody changed it in between: nothing was written
 * @throws INVALID_INPUT naming the member that IAM does not know
 */
export async function writePolicy(context: GarContext, policy: IamPolicy, call: Call): Promise<boolean> {
  const resource = repositoryResource(context.place);
  const permission = "artifactregistry.repositories.setIamPolicy";
  const action = "SetIamPolicy";
  const expected = [grpcCode.aborted, grpcCode.invalidArgument, grpcCode.failedPrecondition, grpcCode.notFound];
  try {
    await rpc(context, call, { action, permission, expected }, (client, more) =>
      client.setIamPolicy({ resource, policy: policy as protos.google.iam.v1.IPolicy }, more),
    );
    return true;
  } catch (error) {
    switch (googleCode(error)) {
      case grpcCode.aborted:
        return false;
      case grpcCode.invalidArgument:
        throw unknownMember(error) ?? translateGoogleError(error, `Artifact Registry ${action}`, permission);
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

/** IAM refuses a whole policy for one member that is gone, also for one that was there before and is another's. */
function unknownMember(error: unknown): ArtifactRegistryError | undefined {
  const member = /(?:account|user|group|member|principal)\s+(\S+?)\s+does not exist/i.exec(googleMessage(error))?.[1];
  if (member === undefined) return undefined;
  return new ArtifactRegistryError("INVALID_INPUT", `Google Cloud does not know the member ${member}.`, {
    hint: "Create it first, or, where it was granted earlier and is gone, remove it from the repository's IAM policy.",
    context: { field: "access", member },
    cause: error,
  });
}

function noRepository({ place }: GarContext, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    `There is no repository "${place.repository}" of Artifact Registry in ${place.location}.`,
    { hint: "Create it, with format Docker, or correct the binding.", cause },
  );
}
