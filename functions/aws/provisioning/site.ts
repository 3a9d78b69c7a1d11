import type { Environment } from "../../../core/platform.ts";
import type { EcrContext, PolicyLeases } from "../ecr/context.ts";
import type { Iam } from "./iam.ts";

/** What every part of provisioning works with. */
export interface Site {
  readonly context: EcrContext;
  readonly leases: PolicyLeases;
  readonly env: Environment;
  readonly iam: Iam;
  /** Whether the binding was derived. Then it names neither roles nor regions. */
  readonly derived: boolean;
}
