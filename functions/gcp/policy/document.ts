import { ArtifactRegistryError } from "../../../core/errors.ts";

/** An IAM policy as the client library returns it. Fields that are not named here pass through unchanged. */
export interface IamPolicy {
  readonly version?: number | null;
  readonly bindings?: readonly Binding[] | null;
  /** Whose calls are written to the data access logs, and who is exempt from that. */
  readonly auditConfigs?: readonly AuditConfig[] | null;
  /** Stands for the state that was read. Nothing else keeps a write from undoing somebody else's edit. */
  readonly etag?: Uint8Array | string | null;
}

interface AuditConfig {
  readonly auditLogConfigs?:
    | readonly { readonly logType?: unknown; readonly exemptedMembers?: readonly string[] | null }[]
    | null;
}

/** The members of one role. The role and the condition together tell bindings apart. */
export interface Binding {
  readonly role?: string | null;
  readonly members?: readonly string[] | null;
  readonly condition?: object | null;
}

/** The version of policies that can hold conditions. An edit under a lower version would lose them. */
export const policyVersion = 3;

/** The role that consumers get. It pulls, and does nothing else. */
export const readerRole = "roles/artifactregistry.reader";

/** Whether a binding gives exactly this role without a condition, not even one that is always true. */
export function isUnconditional({ role, condition }: Binding, wanted: string): boolean {
  return role === wanted && (condition === undefined || condition === null);
}

/** The members who hold a role without a condition. */
export function membersWith({ bindings }: IamPolicy, role: string): string[] {
  return (bindings ?? []).filter((binding) => isUnconditional(binding, role)).flatMap(({ members }) => members ?? []);
}

/** Adds members, which must not be there yet, to a role's unconditional binding. Where there is none, it adds the binding. */
export function addMembers(bindings: readonly Binding[], role: string, members: readonly string[]): Binding[] {
  const index = bindings.findIndex((binding) => isUnconditional(binding, role));
  const found = bindings[index];
  if (found === undefined) return [...bindings, { role, members }];
  return bindings.with(index, { ...found, members: [...(found.members ?? []), ...members] });
}

/**
 * Removes members. A binding that loses its last member goes; one that loses none stays the same object.
 *
 * @param isRemoved is asked about every member of every binding
 * @param role limits the removal to the role's unconditional bindings
 */
export function removeMembers(
  bindings: readonly Binding[],
  isRemoved: (member: string, binding: Binding) => boolean,
  role?: string,
): Binding[] {
  return bindings.flatMap((binding) => {
    if (role !== undefined && !isUnconditional(binding, role)) return [binding];
    const members = binding.members ?? [];
    const left = members.filter((member) => !isRemoved(member, binding));
    if (left.length === members.length) return [binding];
    return left.length > 0 ? [{ ...binding, members: left }] : [];
  });
}

/** The policy with other bindings; the same policy object if they are the ones that it has. */
export function withBindings(policy: IamPolicy, changed: readonly Binding[]): IamPolicy {
  const bindings = policy.bindings ?? [];
  const same = changed.length === bindings.length && changed.every((binding, index) => binding === bindings[index]);
  return same ? policy : { ...policy, version: policyVersion, bindings: changed };
}

/**
 * How many members a policy may hold. Every occurrence counts, in bindings and among those whom audit configurations exempt
 * (IAM, "Quotas and limits": principals "in all role bindings and audit-logging exemptions within a single policy").
 */
export const maxMembers = 1_500;

/**
 * Makes a change refuse a policy that IAM would refuse for its size. For changes that add; one that only removes must
 * never be refused.
 *
 * @returns a change that throws QUOTA_EXCEEDED
 */
export function withinCapacity(change: (policy: IamPolicy) => IamPolicy): (policy: IamPolicy) => IamPolicy {
  return (policy) => {
    const changed = change(policy);
    if (changed !== policy) refuseOverfull(policy, changed);
    return changed;
  };
}

/** @throws QUOTA_EXCEEDED where `after` holds more members than a policy may */
export function refuseOverfull(before: IamPolicy, after: IamPolicy): void {
  const [inUse, wanted] = [countMembers(before), countMembers(after)];
  if (wanted <= maxMembers) return;
  throw new ArtifactRegistryError(
    "QUOTA_EXCEEDED",
    `The repository's IAM policy would hold ${wanted} members. It may hold ${maxMembers}, and now holds ${inUse}.`,
    {
      hint: "Remove grants that are not needed, or grant consumers through a Google group that the operator adds once.",
      context: { limit: maxMembers, inUse, wanted },
    },
  );
}

function countMembers({ bindings, auditConfigs }: IamPolicy): number {
  const exempt = (auditConfigs ?? []).flatMap(({ auditLogConfigs }) => auditLogConfigs ?? []);
  const lists = [...(bindings ?? []).map(({ members }) => members), ...exempt.map((log) => log.exemptedMembers)];
  return lists.reduce((sum, list) => sum + (list?.length ?? 0), 0);
}
