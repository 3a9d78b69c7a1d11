import type { Call } from "../call.ts";
import { authorizedRole, notFound, readIdentityPolicy } from "./role.ts";

const MAX_INLINE = 10_240;

export async function putRolePolicy(call: Call): Promise<object> {
  const name = policyName(call);
  const text = call.input.text("PolicyDocument");
  const role = await authorizedRole(call);
  await readIdentityPolicy(text);
  const others = [...role.policies].filter(([other]) => other !== name).map(([, document]) => document);
  const size = [...others, text].reduce((sum, document) => sum + document.replace(/\s/g, "").length, 0);
  if (size > MAX_INLINE) {
    throw call.error("LimitExceeded", `Maximum policy size of ${MAX_INLINE} bytes exceeded for role ${role.name}`, 409);
  }
  call.world.directory.putPolicy(role, name, text);
  return {};
}

export async function getRolePolicy(call: Call): Promise<object> {
  const name = policyName(call);
  const role = await authorizedRole(call);
  const text = role.policies.get(name);
  if (text === undefined) throw notFound(`The role policy with name ${name} cannot be found.`);
  return { RoleName: role.name, PolicyName: name, PolicyDocument: encodeURIComponent(text) };
}

export async function deleteRolePolicy(call: Call): Promise<object> {
  const name = policyName(call);
  const role = await authorizedRole(call);
  if (!role.policies.delete(name)) throw notFound(`The role policy with name ${name} cannot be found.`);
  return {};
}

export async function listRolePolicies(call: Call): Promise<object> {
  const role = await authorizedRole(call);
  return { PolicyNames: [...role.policies.keys()].sort(), IsTruncated: false };
}

export async function listAttachedRolePolicies(call: Call): Promise<object> {
  const role = await authorizedRole(call);
  const AttachedPolicies = [...role.attached].map((arn) => ({
    PolicyName: arn.slice(arn.lastIndexOf("/") + 1),
    PolicyArn: arn,
  }));
  return { AttachedPolicies, IsTruncated: false };
}

export async function attachRolePolicy(call: Call): Promise<object> {
  const arn = call.input.text("PolicyArn");
  const role = await authorizedRole(call, { "iam:PolicyARN": arn });
  if (call.world.directory.managedPolicy(arn) === undefined) throw notFound(`Policy ${arn} does not exist.`);
  role.attached.add(arn);
  return {};
}

export async function detachRolePolicy(call: Call): Promise<object> {
  const arn = call.input.text("PolicyArn");
  const role = await authorizedRole(call, { "iam:PolicyARN": arn });
  if (!role.attached.delete(arn)) throw notFound(`Policy ${arn} was not found.`);
  return {};
}

function policyName(call: Call): string {
  const name = call.input.text("PolicyName");
  if (/^[\w+=,.@-]{1,128}$/.test(name)) return name;
  throw call.input.invalid(`The specified value for policyName is invalid: ${name}`);
}
