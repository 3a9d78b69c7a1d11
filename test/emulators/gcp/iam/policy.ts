import { createHash, randomBytes } from "node:crypto";
import { GcpError } from "../errors.ts";

export interface Condition {
  readonly title: string;
  readonly description?: string;
  readonly expression: string;
  readonly location?: string;
}

export interface Binding {
  readonly role: string;
  readonly members: readonly string[];
  readonly condition?: Condition;
}

export interface AuditConfig {
  readonly service: string;
  readonly auditLogConfigs: readonly { readonly logType: string; readonly exemptedMembers?: readonly string[] }[];
}

/** A policy as it is kept. `etag` is base64, as it is over HTTP. */
export interface Policy {
  readonly bindings: readonly Binding[];
  readonly auditConfigs: readonly AuditConfig[];
  readonly etag: string;
}

/** A policy as it is asked for and answered. */
export interface PolicyView {
  readonly version: number;
  readonly bindings: readonly Binding[];
  readonly auditConfigs: readonly AuditConfig[];
  readonly etag: string;
}

/** What setIamPolicy is told. */
export interface PolicyEdit extends Partial<PolicyView> {
  /** Which fields are changed; `bindings,etag` where nothing is said. */
  readonly updateMask?: readonly string[];
}

/** The etag of a policy that was never set. */
const UNSET = "ACAB";

export const emptyPolicy = (): Policy => ({ bindings: [], auditConfigs: [], etag: UNSET });

export const newEtag = (): string => randomBytes(8).toString("base64");

const conditional = ({ bindings }: Pick<Policy, "bindings">) =>
  bindings.some(({ condition }) => condition !== undefined);

/**
 * What getIamPolicy answers. Below version 3 a conditional binding loses its condition, and its role gets a suffix that
 * no setIamPolicy takes.
 */
export function viewPolicy(policy: Policy, requestedVersion: number): PolicyView {
  if (![0, 1, 3].includes(requestedVersion)) {
    throw new GcpError("INVALID_ARGUMENT", `Invalid requested policy version: ${requestedVersion}.`);
  }
  const full = requestedVersion === 3 && conditional(policy);
  return { ...policy, version: full ? 3 : 1, bindings: full ? policy.bindings : policy.bindings.map(withoutCondition) };
}

function withoutCondition({ role, members, condition }: Binding): Binding {
  if (condition === undefined) return { role, members };
  const hash = createHash("sha256").update(JSON.stringify(condition)).digest("hex").slice(0, 20);
  return { role: `${role}_withcond_${hash}`, members };
}

/**
 * The policy after setIamPolicy. Without an etag whatever is there is overwritten, conditions included.
 *
 * @throws ABORTED where the etag is not the current one
 */
export function editPolicy(current: Policy, edit: PolicyEdit, check: (binding: Binding) => void): Policy {
  const { version = 0, bindings = [], auditConfigs = [], etag = "", updateMask = [] } = edit;
  if (![0, 1, 3].includes(version)) throw new GcpError("INVALID_ARGUMENT", `Invalid policy version: ${version}.`);
  if (etag !== "" && etag !== current.etag) {
    throw new GcpError(
      "ABORTED",
      "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.",
    );
  }
  const mask = updateMask.length === 0 ? ["bindings", "etag"] : updateMask;
  const changesBindings = mask.includes("bindings");
  if (changesBindings && version !== 3 && (conditional({ bindings }) || (etag !== "" && conditional(current)))) {
    throw new GcpError(
      "INVALID_ARGUMENT",
      "The policy contains conditional role bindings: specify policy version 3. See https://cloud.google.com/iam/docs/policies#versions.",
    );
  }
  const merged = changesBindings ? mergeBindings(bindings) : current.bindings;
  const changesAudit = mask.some((path) => path === "auditConfigs" || path === "audit_configs");
  const audited = changesAudit ? auditConfigs : current.auditConfigs;
  if (changesBindings) checkBindings(merged, audited, check);
  return { bindings: merged, auditConfigs: audited, etag: newEtag() };
}

/** One binding for each pair of role and condition, without repeated members, and none that is empty. */
function mergeBindings(bindings: readonly Binding[]): Binding[] {
  const merged = new Map<string, Binding>();
  for (const binding of bindings) {
    const key = JSON.stringify([binding.role, binding.condition]);
    const members = [...(merged.get(key)?.members ?? []), ...binding.members];
    merged.set(key, { ...binding, members: [...new Set(members)] });
  }
  return [...merged.values()].filter(({ members }) => members.length > 0);
}

/** The roles whose members, under the same condition, are others afterwards. */
export function modifiedRoles(before: readonly Binding[], after: readonly Binding[]): string[] {
  const [old, fresh] = [roleByGrant(before), roleByGrant(after)];
  const lost = [...old].filter(([grant]) => !fresh.has(grant));
  const given = [...fresh].filter(([grant]) => !old.has(grant));
  return [...new Set([...lost, ...given].map(([, role]) => role))].sort();
}

/** What is absent over HTTP is empty over gRPC. */
function roleByGrant(bindings: readonly Binding[]): Map<string, string> {
  return new Map(
    bindings.flatMap(({ role, members, condition }) => {
      const { title, description = "", expression, location = "" } = condition ?? {};
      return members.map((member) => [JSON.stringify([role, member, title, description, expression, location]), role]);
    }),
  );
}

const MAX_MEMBERS = 1500;

/** The members of all bindings count, and those that are exempt from audit logs (IAM, "Quotas and limits"). */
function checkBindings(
  bindings: readonly Binding[],
  auditConfigs: readonly AuditConfig[],
  check: (binding: Binding) => void,
): void {
  const exempt = auditConfigs.flatMap(({ auditLogConfigs }) => auditLogConfigs);
  const members =
    bindings.reduce((sum, binding) => sum + binding.members.length, 0) +
    exempt.reduce((sum, { exemptedMembers = [] }) => sum + exemptedMembers.length, 0);
  if (members > MAX_MEMBERS) {
    throw new GcpError(
      "INVALID_ARGUMENT",
      `The number of members in the policy (${members.toLocaleString("en-US")}) is larger than the maximum allowed size 1,500.`,
    );
  }
  for (const binding of bindings) check(binding);
}
