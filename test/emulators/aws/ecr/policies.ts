import type { Call } from "../call.ts";
import { authorize } from "../identity/authorization.ts";
import { bindPrincipals, PrincipalNotFound, readPrincipals } from "../identity/bound-principals.ts";
import type { PolicyDocument } from "../identity/documents.ts";
import { AwsError } from "../wire/errors.ts";
import { authorizedRepository } from "./authorize.ts";
import { readRepositoryPolicy } from "./policy-document.ts";
import type { Repository } from "./state.ts";

const MAX_POLICY = 10_240;

export async function setRepositoryPolicy(call: Call): Promise<object> {
  const text = call.input.text("policyText");
  if (text.length > MAX_POLICY) throw against(`Member must have length less than or equal to ${MAX_POLICY}`);
  const repository = await authorizedRepository(call);
  const policy = bind(call, await soundDocument(text));
  if (!call.input.flag("force") && !call.world.behaviour.trusting)
    await refuseLockOut(call, repository, policy.document);
  repository.policy = policy;
  return answer(call, repository);
}

export async function getRepositoryPolicy(call: Call): Promise<object> {
  return answer(call, await authorizedRepository(call));
}

export async function deleteRepositoryPolicy(call: Call): Promise<object> {
  const repository = await authorizedRepository(call);
  const before = answer(call, repository);
  repository.policy = undefined;
  return before;
}

/** What the console's and the SDK's readers get: ECR writes the document anew, spread over lines. */
function answer(call: Call, { registryId, name, policy }: Repository): object {
  if (policy === undefined) {
    throw call.error(
      "RepositoryPolicyNotFoundException",
      `Repository policy does not exist for the repository with name '${name}' in the registry with id '${registryId}'`,
    );
  }
  const document = readPrincipals(call.world.directory, policy);
  const policyText = JSON.stringify(document, undefined, 2).replace(/^( *"(?:[^"\\]|\\.)*"):/gm, "$1 :");
  return { registryId, repositoryName: name, policyText };
}

async function soundDocument(text: string): Promise<PolicyDocument> {
  const document = await readRepositoryPolicy(text);
  if (document === undefined) throw against("Invalid repository policy provided");
  return document;
}

function bind(call: Call, document: PolicyDocument) {
  try {
    return bindPrincipals(call.world.directory, document, call.region);
  } catch (error) {
    if (error instanceof PrincipalNotFound) throw against("Principal not found");
    throw error;
  }
}

/** A policy that would keep its own author from ever setting another needs `force`. */
async function refuseLockOut(call: Call, repository: Repository, resourcePolicy: PolicyDocument): Promise<void> {
  const { verdict } = await authorize(call.world.directory, call.principal, {
    action: "ecr:SetRepositoryPolicy",
    resource: repository.arn,
    resourceAccount: repository.registryId,
    region: call.region,
    resourcePolicy,
  });
  if (verdict === "ExplicitlyDenied") throw against("The policy would prevent you from setting another one; force it");
}

function against(constraint: string): AwsError {
  return new AwsError(
    "InvalidParameterException",
    `Invalid parameter at 'PolicyText' failed to satisfy constraint: '${constraint}'`,
  );
}
