import { isAllowed } from "../iam/authorize.ts";
import { checkBinding } from "../iam/members.ts";
import { type AuditConfig, type Binding, editPolicy, type PolicyView, viewPolicy } from "../iam/policy.ts";
import { type Message, type Method, messageOf, permit, text } from "./method.ts";
import { mustFind, parseRepositoryName, resourceOf } from "./repository.ts";

export const getIamPolicy: Method = (call) => {
  const name = parseRepositoryName(text(call.request, "resource"));
  permit(call, "repositories.getIamPolicy", resourceOf(call.world, name));
  const version = Number(messageOf(call.request, "options").requestedPolicyVersion ?? 0);
  return toMessage(viewPolicy(mustFind(call.world, name).policy, version));
};

export const setIamPolicy: Method = (call) => {
  const { world, request } = call;
  const name = parseRepositoryName(text(request, "resource"));
  const { paths = [] } = messageOf(request, "updateMask") as { paths?: readonly string[] };
  const edit = { ...fromMessage(messageOf(request, "policy")), updateMask: paths };
  permit(call, "repositories.setIamPolicy", { ...resourceOf(world, name), written: edit.bindings });
  const repository = mustFind(world, name);
  const check = (binding: Binding) =>
    checkBinding(world, { service: "artifactregistry", project: name.project }, binding);
  world.writePolicy(repository, editPolicy(repository.policy, edit, check));
  return toMessage(viewPolicy(repository.policy, 3));
};

/** Which of these permissions the caller has; needs none itself. */
export const testIamPermissions: Method = ({ world, request, caller }) => {
  const resource = resourceOf(world, parseRepositoryName(text(request, "resource")));
  const asked = (request.permissions ?? []) as readonly string[];
  return { permissions: asked.filter((permission) => isAllowed(world, caller, permission, resource)) };
};

function toMessage({ etag, ...rest }: PolicyView): Message {
  return { ...rest, etag: Buffer.from(etag, "base64") };
}

function fromMessage(message: Message) {
  const { version, bindings, auditConfigs, etag } = message as {
    version?: number;
    bindings?: readonly (Binding & { condition?: Binding["condition"] | null })[];
    auditConfigs?: readonly AuditConfig[];
    etag?: Uint8Array;
  };
  return {
    version: version ?? 0,
    etag: Buffer.from(etag ?? []).toString("base64"),
    auditConfigs: auditConfigs ?? [],
    bindings: (bindings ?? []).map(({ role, members, condition }) => ({
      role,
      members: members ?? [],
      ...(condition === undefined || condition === null ? {} : { condition }),
    })),
  };
}
