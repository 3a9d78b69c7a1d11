import { GcpError, permissionDenied } from "../errors.ts";
import type { Resource } from "../iam/authorize.ts";
import { checkBinding } from "../iam/members.ts";
import { type AuditConfig, type Binding, editPolicy, type PolicyView, viewPolicy } from "../iam/policy.ts";
import type { ServiceAccount } from "../identity/directory.ts";
import { type Json, listOf, objectOf, onlyFields, permit, type Request, type Route, textOf } from "./route.ts";

const COLLECTION = /^\/v1\/projects\/([^/]+)\/serviceAccounts$/;
const ACCOUNT = /^\/v1\/projects\/([^/]+)\/serviceAccounts\/([^/:]+)$/;
const verb = (name: string) => new RegExp(`^/v1/projects/([^/]+)/serviceAccounts/([^/:]+):${name}$`);
const ID = /^[a-z]([-a-z0-9]{4,28}[a-z0-9])$/;

const service = "iam" as const;
export const IAM: readonly Route[] = [
  { service, action: "CreateServiceAccount", method: "POST", path: COLLECTION, handle: create },
  { service, action: "ListServiceAccounts", method: "GET", path: COLLECTION, handle: list },
  { service, action: "GetServiceAccount", method: "GET", path: ACCOUNT, handle: get },
  { service, action: "DeleteServiceAccount", method: "DELETE", path: ACCOUNT, handle: remove },
  { service, action: "GetIamPolicy", method: "POST", path: verb("getIamPolicy"), handle: getIamPolicy },
  { service, action: "SetIamPolicy", method: "POST", path: verb("setIamPolicy"), handle: setIamPolicy },
];

/** The e-mail of an account in a project; the domain of a domain-scoped project goes behind its name. */
export function emailOf(accountId: string, project: string): string {
  return `${accountId}@${project.split(":").reverse().join(".")}.iam.gserviceaccount.com`;
}

function create(request: Request): Json {
  const { world, body, path } = request;
  const [project = ""] = path;
  permit(request, "iam.serviceAccounts.create", projectResource(project));
  onlyFields(body, "accountId", "serviceAccount");
  const accountId = textOf(body, "accountId");
  if (!ID.test(accountId)) {
    throw new GcpError("INVALID_ARGUMENT", `Invalid account ID ${JSON.stringify(accountId)}: 6 to 30 characters.`);
  }
  const email = emailOf(accountId, project);
  if (world.directory.account(email) !== undefined) {
    throw new GcpError(
      "ALREADY_EXISTS",
      `Service account ${accountId} already exists within project projects/${project}.`,
    );
  }
  const wanted = objectOf(body, "serviceAccount");
  onlyFields(wanted, "displayName", "description");
  const texts = { displayName: textOf(wanted, "displayName"), description: textOf(wanted, "description") };
  for (const [field, limit] of [
    ["displayName", 100],
    ["description", 256],
  ] as const) {
    if (Buffer.byteLength(texts[field]) <= limit) continue;
    throw new GcpError("INVALID_ARGUMENT", `The ${field} of a service account has at most ${limit} bytes.`);
  }
  return shown(world.directory.add(email, project, { ...texts, late: true }));
}

function list(request: Request): Json {
  const { world, path } = request;
  const [project = ""] = path;
  permit(request, "iam.serviceAccounts.list", projectResource(project));
  const own = world.directory.accounts(project).filter(({ email }) => !email.startsWith("service-"));
  return { accounts: own.map(shown) };
}

function get(request: Request): Json {
  return shown(target(request, "iam.serviceAccounts.get"));
}

function remove(request: Request): Json {
  request.world.deleteAccount(target(request, "iam.serviceAccounts.delete"));
  return {};
}

function getIamPolicy(request: Request): Json {
  onlyFields(request.body);
  const account = target(request, "iam.serviceAccounts.getIamPolicy");
  const version = Number(request.query.get("options.requestedPolicyVersion") ?? "0");
  return toJson(viewPolicy(account.policy, version));
}

function setIamPolicy(request: Request): Json {
  const { world, body } = request;
  onlyFields(body, "policy", "updateMask");
  const policy = objectOf(body, "policy");
  onlyFields(policy, "version", "bindings", "auditConfigs", "etag");
  const edit = {
    version: Number(policy.version ?? 0),
    etag: textOf(policy, "etag"),
    bindings: listOf(policy, "bindings") as readonly Binding[],
    auditConfigs: listOf(policy, "auditConfigs") as readonly AuditConfig[],
    updateMask: textOf(body, "updateMask").split(",").filter(Boolean),
  };
  const account = target(request, "iam.serviceAccounts.setIamPolicy", edit.bindings);
  const check = (binding: Binding) => checkBinding(world, { service: "iam", project: account.project }, binding);
  world.writePolicy(account, editPolicy(account.policy, edit, check));
  return toJson(viewPolicy(account.policy, 3));
}

/** The account of a path, `projects/-` being any. @throws PERMISSION_DENIED, or NOT_FOUND for those who may know */
function target(request: Request, permission: string, written?: readonly Binding[]): ServiceAccount {
  const [asked = "", email = ""] = request.path;
  const account = request.world.directory.account(email);
  const project = asked === "-" ? (account?.project ?? "-") : asked;
  const found = account?.project === project ? account : undefined;
  const name = `projects/${project}/serviceAccounts/${email}`;
  const sight = found && request.world.look(found, request.record.action);
  request.record.resource ??= name;
  if (sight === "denied") throw permissionDenied(permission, name);
  if (sight === "missing") throw new GcpError("NOT_FOUND", `Unknown service account: ${email}`);
  const policy = found && request.world.policyInEffect(found);
  permit(request, permission, { name, project, policy, ...(written && { written }) });
  if (found === undefined) throw new GcpError("NOT_FOUND", `Unknown service account: ${email}`);
  return found;
}

const projectResource = (project: string): Resource => ({ name: `projects/${project}`, project, policy: undefined });

function shown({ email, project, uniqueId, displayName, description, disabled }: ServiceAccount): Json {
  return {
    name: `projects/${project}/serviceAccounts/${email}`,
    projectId: project,
    uniqueId,
    email,
    oauth2ClientId: uniqueId,
    etag: "MDEwMjE5MjA=",
    ...(displayName === "" ? {} : { displayName }),
    ...(description === "" ? {} : { description }),
    ...(disabled ? { disabled } : {}),
  };
}

/** What is empty is left out. */
function toJson({ version, bindings, auditConfigs, etag }: PolicyView): Json {
  return {
    etag,
    ...(bindings.length === 0 ? {} : { version, bindings }),
    ...(auditConfigs.length === 0 ? {} : { auditConfigs }),
  };
}
