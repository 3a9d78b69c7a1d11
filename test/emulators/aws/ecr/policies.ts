import type { Call } from "../call.ts";
import { authorize } from "../identity/authorization.ts";
import { bindPrincipals, PrincipalNotFound, readPrincipals } from "../identity/bound-principals.ts";
import { listOf, type PolicyDocument, parseDocument } from "../identity/documents.ts";
import { documentProblem } from "../identity/oracle.ts";
import { AwsError } from "../wire/errors.ts";
import { authorizedRepository } from "./authorize.ts";
import type { Repository } from "./state.ts";

const MAX_POLICY = 10_240;
const FIELDS = new Set(["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"]);

export async function setRepositoryPolicy(call: Call): Promise<object> {
  const text = call.input.text("policyText");
  if (text.length > MAX_POLICY) throw against(`Member must have length less than or equal to ${MAX_POLICY}`);
  const repository = await authorizedRepository(call);
  const policy = bind(call, await soundDocument(text));
  if (!call.input.flag("force")) await refuseLockOut(call, repository, policy.document);
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
  const document = parseDocument(text);
  if (document === undefined) throw invalid();
  for (const statement of document.Statement) {
    if (Object.keys(statement).some((field) => !FIELDS.has(field))) throw invalid();
    const actions = [...listOf(statement.Action), ...listOf(statement.NotAction)];
    if (actions.length === 0 || !actions.every((action) => action === "*" || /^ecr:/i.test(action))) throw invalid();
    if (actions.some((action) => /^ecr:getauthorizationtoken$/i.test(action))) throw invalid();
    if (statement.Principal === undefined && statement.NotPrincipal === undefined) throw invalid();
  }
  const sids = document.Statement.flatMap(({ Sid }) => (Sid === undefined ? [] : [Sid]));
  if (new Set(sids).size < sids.length) throw invalid();
  if ((await documentProblem("resource", document)) !== undefined) throw invalid();
  return document;
}

function bind(call: Call, document: PolicyDocument) {
  try {
    return bindPrincipals(call.world.directory, document);
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

function invalid(): AwsError {
  return against("Invalid repository policy provided");
}

function against(constraint: string): AwsError {
  return new AwsError(
    "InvalidParameterException",
    `Invalid parameter at 'PolicyText' failed to satisfy constraint: '${constraint}'`,
  );
}
