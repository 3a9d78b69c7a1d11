import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";
import type { EcrContext } from "../ecr/context.ts";
import { ecrRolePolicy, roleArn, roleName, type TrustScope, trustPolicy } from "../policy/roles.ts";
import type { WantedRole } from "./roles.ts";

interface Scope {
  readonly context: EcrContext;
  readonly account: string;
  readonly env: Environment;
  readonly regions: readonly [home: string, ...replicas: string[]];
}

export type Wanted = WantedRole & { readonly arn: string };

/**
 * The pull role and the push role as they must be. `ALIEN_FUNCTION_ROLE_ARNS` lists the execution roles that they trust, and
 * `ALIEN_PERMISSIONS_BOUNDARY_ARN` names their permissions boundary.
 */
export function wantedRoles({ context, account, env, regions }: Scope): [pull: Wanted, push: Wanted] {
  const { repositoryPrefix: prefix } = context.binding;
  const { partition, rolePath: path } = context.place;
  const functionRoleArns = (env.ALIEN_FUNCTION_ROLE_ARNS ?? "").split(",").flatMap((arn) => arn.trim() || []);
  const trust = functionRoleArns.length > 0 ? trustOf({ partition, account, functionRoleArns }) : undefined;
  const wanted = (kind: "pull" | "push"): Wanted => {
    const permissions = kind === "pull" ? "pull" : "push-pull";
    const name = roleName(prefix, kind);
    return {
      name,
      path,
      arn: roleArn(partition, account, name, path),
      prefix,
      trust,
      policy: ecrRolePolicy({ partition, account, repositoryPrefix: prefix, permissions }, regions),
      permissionsBoundary: env.ALIEN_PERMISSIONS_BOUNDARY_ARN || undefined,
    };
  };
  return [wanted("pull"), wanted("push")];
}

function trustOf(scope: TrustScope): string {
  try {
    return trustPolicy(scope);
  } catch (cause) {
    // This is a mistake of the deployment, not of the caller.
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "ALIEN_FUNCTION_ROLE_ARNS cannot be trusted.", {
      ...(cause instanceof ArtifactRegistryError && cause.hint !== undefined && { hint: cause.hint }),
      cause,
    });
  }
}
