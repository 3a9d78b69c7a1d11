import type { Registry } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { checkHealth, type Findings, lookFor } from "../../../core/health.ts";
import type { Health } from "../../../core/schemas.ts";
import { compareAccess } from "../../../core/token-claims.ts";
import { catalogAccess, catalogHint } from "./catalog.ts";
import type { AcrContext } from "./context.ts";
import { type Action, grantedToken, onRepository } from "./credentials.ts";
import { getRegistry } from "./registry.ts";
import { scopeMapsHint, scopeMapUsage } from "./scope-maps.ts";
import { softDeleteDays } from "./soft-delete.ts";

/** Every action that the function asks tokens for. */
const neededActions: readonly Action[] = ["pull", "push", "metadata_read", "delete"];

/** Checks whether the registry is as it should be, answers, and lets the function do its work. */
export async function acrHealth(context: AcrContext, call: Call): Promise<Health> {
  const settings = await lookFor(async () => checkSettings(context, await getRegistry(context, call)));
  // Whoever may not read the registry has been told so, and once is enough.
  const limits = settings.failed ? [] : await checkLimits(context, call);
  return checkHealth([...settings.findings, ...limits], "unhealthy", () => checkAccess(context, call));
}

/** From which part of its scope maps on a registry is nearly full. There is time to act, and no alarm that is always on. */
const nearlyFull = 0.8;

/** What the registry's own documents do not say: what becomes of deletions, and how many repositories it still has room for. */
async function checkLimits(context: AcrContext, call: Call): Promise<Findings> {
  const findings: Findings = [];
  const days = await softDeleteDays(context, call);
  if (days !== undefined) {
    findings.push({
      message: `Soft delete is on: the registry keeps deleted images for ${days} days.`,
      hint:
        "A push to a deleted repository restores it, and the registry refuses a digest that was deleted until then. To " +
        `turn it off: az acr config soft-delete update --registry ${context.binding.registryName} --status disabled.`,
    });
  }
  const usage = await scopeMapUsage(context, call);
  if (usage !== undefined && usage.inUse >= usage.limit * nearlyFull) {
    findings.push({
      message: `${usage.inUse} of the registry's ${usage.limit} scope maps are in use, and each repository takes one.`,
      hint: scopeMapsHint,
    });
  }
  return findings;
}

function checkSettings({ binding }: AcrContext, registry: Registry): Findings {
  const { loginServer, adminUserEnabled, anonymousPullEnabled, provisioningState } = registry;
  const findings: Findings = [];
  if (binding.loginServer !== undefined && loginServer?.toLowerCase() !== binding.loginServer) {
    findings.push({
      message: "The binding's loginServer is not the registry's.",
      hint: `The registry's is ${loginServer}.`,
    });
  }
  if (provisioningState !== "Succeeded") findings.push({ message: `The registry's state is ${provisioningState}.` });
  if (adminUserEnabled) {
    findings.push({
      message: "The registry's admin user is on.",
      hint: "Turn it off: its password opens every repository and does not expire.",
    });
  }
  if (anonymousPullEnabled) {
    findings.push({
      message: "Anybody may pull from the registry without credentials.",
      hint: "Turn anonymous pull off.",
    });
  }
  return findings;
}

/** One token for all that the function does shows which roles are missing. We look at it and forget it. */
async function checkAccess(context: AcrContext, call: Call): Promise<Findings> {
  const { access, hint } = onRepository(context.names.routeName("health"), neededActions);
  const asked = { access: [...access, catalogAccess], hint };
  const { granted } = await grantedToken(context, asked, call);
  const { missing } = compareAccess(granted.access, asked.access);
  const onImages = missing.filter(({ type }) => type === "repository");
  const actions = onImages.flatMap((each) => each.actions);
  const findings: Findings = [];
  if (actions.length > 0) {
    findings.push({ message: `The function may not ${actions.join(", ")}.`, hint: hint(onImages) });
  }
  if (missing.length > onImages.length) {
    findings.push({ message: "The function may not list the registry's repositories.", hint: catalogHint });
  }
  return findings;
}
