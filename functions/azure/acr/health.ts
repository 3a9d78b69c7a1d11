import type { Registry } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { type Findings, healthOf, lookFor } from "../../../core/health.ts";
import type { Health } from "../../../core/schemas.ts";
import { compareAccess } from "../../../core/token-claims.ts";
import { anyAccess, onRepository } from "./access-token.ts";
import type { AcrContext } from "./context.ts";
import { getRegistry } from "./registry.ts";
import type { Action } from "./roles.ts";

/** All that the function asks tokens for. */
const needed: readonly Action[] = ["pull", "push", "metadata_read", "delete"];

/** Whether the registry is as it should be, answers, and lets the function do its work. */
export async function acrHealth(context: AcrContext, call: Call): Promise<Health> {
  const [settings, access] = [
    await lookFor(async () => ofSettings(context, await getRegistry(context, call))),
    await lookFor(() => ofAccess(context, call)),
  ];
  const all = [...settings.findings, ...access.findings];
  return access.failed ? { status: "unhealthy", findings: all } : healthOf(all);
}

function ofSettings({ binding }: AcrContext, registry: Registry): Findings {
  const { loginServer, adminUserEnabled, anonymousPullEnabled, provisioningState } = registry;
  const result: Findings = [];
  if (binding.loginServer !== undefined && loginServer?.toLowerCase() !== binding.loginServer) {
    result.push({
      message: "The binding's loginServer is not the registry's.",
      hint: `The registry's is ${loginServer}.`,
    });
  }
  if (provisioningState !== "Succeeded") result.push({ message: `The registry's state is ${provisioningState}.` });
  if (adminUserEnabled) {
    result.push({
      message: "The registry's admin user is on.",
      hint: "Switch it off: its password opens every repository and does not end.",
    });
  }
  if (anonymousPullEnabled) {
    result.push({
      message: "Anybody may pull from the registry without credentials.",
      hint: "Switch anonymous pull off.",
    });
  }
  return result;
}

/** One token for all that is needed shows which roles are missing; it is looked at and forgotten. */
async function ofAccess(context: AcrContext, call: Call): Promise<Findings> {
  const name = context.names.routeName("health");
  const asked = onRepository(name, needed);
  const { granted } = await anyAccess(context, asked, call);
  const { missing } = compareAccess(granted.access, asked);
  const lacking = needed.filter((action) => missing.includes(action));
  if (lacking.length === 0) return [];
  return [{ message: `The function may not ${lacking.join(", ")}.`, hint: asked.hint(lacking) }];
}
