import type { Call } from "../call.ts";
import { authorizedRepository } from "./authorize.ts";
import type { Repository } from "./state.ts";

export async function putLifecyclePolicy(call: Call): Promise<object> {
  const text = call.input.text("lifecyclePolicyText");
  if (!isLifecyclePolicy(text)) {
    throw call.input.invalid(
      "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure'",
    );
  }
  const repository = await authorizedRepository(call);
  repository.lifecyclePolicy = { text, setAt: call.world.clock() };
  return { ...of(repository), lifecyclePolicyText: text };
}

export async function getLifecyclePolicy(call: Call): Promise<object> {
  const repository = await authorizedRepository(call);
  const { text, setAt } = required(call, repository);
  return { ...of(repository), lifecyclePolicyText: text, lastEvaluatedAt: setAt };
}

export async function deleteLifecyclePolicy(call: Call): Promise<object> {
  const repository = await authorizedRepository(call);
  const { text, setAt } = required(call, repository);
  repository.lifecyclePolicy = undefined;
  return { ...of(repository), lifecyclePolicyText: text, lastEvaluatedAt: setAt };
}

function required(call: Call, { name, registryId, lifecyclePolicy }: Repository) {
  if (lifecyclePolicy !== undefined) return lifecyclePolicy;
  throw call.error(
    "LifecyclePolicyNotFoundException",
    `Lifecycle policy does not exist for the repository with name '${name}' in the registry with id '${registryId}'`,
  );
}

function of({ name, registryId }: Repository) {
  return { registryId, repositoryName: name };
}

/** The rules' outer shape: priority, action, and what is counted. They are stored, never carried out. */
function isLifecyclePolicy(text: string): boolean {
  if (text.length < 100 || text.length > 30_720) return false;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  const rules = (value as { rules?: unknown } | null)?.rules;
  if (!Array.isArray(rules) || rules.length === 0) return false;
  const priorities = new Set<unknown>();
  return rules.every((rule: Record<string, Record<string, unknown>> | null) => {
    const { rulePriority, selection, action } = rule ?? {};
    const fresh = Number.isInteger(rulePriority) && !priorities.has(rulePriority);
    priorities.add(rulePriority);
    if (!fresh || action?.type !== "expire" || !Number.isInteger(selection?.countNumber)) return false;
    const status = selection?.tagStatus;
    const counted = selection?.countType;
    if (counted === "sinceImagePushed" && selection?.countUnit !== "days") return false;
    if (counted !== "sinceImagePushed" && counted !== "imageCountMoreThan") return false;
    if (status !== "tagged") return status === "untagged" || status === "any";
    return Array.isArray(selection?.tagPrefixList) || Array.isArray(selection?.tagPatternList);
  });
}
