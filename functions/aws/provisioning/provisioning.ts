import { IAMClient } from "@aws-sdk/client-iam";
import type { Call } from "../../../core/call.ts";
import type { Health, Provisioning } from "../../../core/registry.ts";
import { sdkSettings } from "../sdk-settings.ts";
import { deprovision } from "./deprovision.ts";
import { findDrift } from "./drift.ts";
import { createIam } from "./iam.ts";
import { provision } from "./provision.ts";
import { backfill } from "./replicas.ts";
import type { Site } from "./site.ts";

export interface AwsProvisioning extends Required<Provisioning> {
  /** Finds how the registry differs from what provisioning makes. It only reads. */
  drift(call: Call): Promise<Health["findings"]>;
}

/** Makes and unmakes what a registry needs: its roles, its own repository, its replication. */
export function createAwsProvisioning(parts: Omit<Site, "iam">): AwsProvisioning {
  const { region } = parts.context.place;
  const site: Site = { ...parts, iam: createIam(new IAMClient({ ...sdkSettings("IAM"), region })) };
  return {
    provision: (options, call) => provision(site, options, call),
    backfill: (call) => backfill(site, call),
    deprovision: (options, call) => deprovision(site, options, call),
    drift: (call) => findDrift(site, call),
  };
}
