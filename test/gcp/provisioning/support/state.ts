import type { CallRecord, GcpEmulator } from "../../../emulators/gcp/index.ts";
import type { Project } from "./project.ts";

/** Everything that a registry's provisioning could change, so that two moments can be compared. */
export function stateOf({ gcp, stack }: Project, mine: (name: string) => boolean = () => true): unknown {
  const { directory, repositories, tags } = gcp.world;
  const accounts = directory
    .accounts(stack.project)
    .filter(({ email }) => mine(email))
    .map(({ email, uniqueId, displayName, description, disabled, policy: { bindings } }) => ({
      ...{ email, uniqueId, displayName, description, disabled, bindings },
    }));
  const found = [...repositories.values()]
    .filter(({ id }) => mine(id))
    .map(({ name, id, labels, format, description, policy: { bindings, auditConfigs }, packages }) => ({
      ...{ id, labels, format, description, bindings, auditConfigs, packages: [...packages.keys()] },
      tags: tags.attachedTo(name).map(({ valueId }) => valueId),
    }));
  return JSON.parse(JSON.stringify({ accounts, repositories: found }));
}

/** Calls of the control plane: who the function is, and how its tokens come about, is another matter. */
export const isControl = ({ service }: CallRecord) =>
  ["artifactregistry", "iam", "cloudresourcemanager"].includes(service);

export const isRead = ({ action }: Pick<CallRecord, "action">) => /^(?:Get|List)/.test(action);

/** The calls of the control plane that an operation made. */
export async function callsOf(gcp: GcpEmulator, operation: () => Promise<unknown>): Promise<CallRecord[]> {
  const before = gcp.calls.length;
  await operation();
  return gcp.calls.slice(before).filter(isControl);
}

export const actionsOf = (calls: readonly CallRecord[]) => calls.map(({ service, action }) => `${service}:${action}`);
