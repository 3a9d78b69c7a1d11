import type { Role, User } from "./account.ts";

/** Who makes a call, with everything that decides what they may. */
export interface Principal {
  readonly type: "User" | "AssumedRole" | "Service";
  /** As policies and messages name them: for a session its own ARN, for a service its name. */
  readonly arn: string;
  /** What `aws:PrincipalArn` holds: of a session, the role. */
  readonly principalArn: string;
  readonly account: string;
  readonly userId: string;
  readonly identity: User | Role | undefined;
  readonly sessionPolicy?: string;
  /** Of a service: the resource on whose behalf it acts. */
  readonly sourceArn?: string;
  /** The first moment at which a session no longer counts. */
  readonly expiresAt?: Date;
}

export function userPrincipal(user: User): Principal {
  const { arn, account, id } = user;
  return { type: "User", arn, principalArn: arn, account, userId: id, identity: user };
}

export function sessionPrincipal(
  role: Role,
  session: { readonly name: string; readonly policy?: string | undefined; readonly expiresAt: Date },
): Principal {
  const [, partition] = role.arn.split(":");
  return {
    type: "AssumedRole",
    arn: `arn:${partition}:sts::${role.account}:assumed-role/${role.name}/${session.name}`,
    principalArn: role.arn,
    account: role.account,
    userId: `${role.id}:${session.name}`,
    identity: role,
    expiresAt: session.expiresAt,
    ...(session.policy === undefined ? {} : { sessionPolicy: session.policy }),
  };
}

/** A service of AWS at work for one of its resources, as Lambda when it pulls a function's image. */
export function servicePrincipal(service: string, sourceArn: string): Principal {
  const account = sourceArn.split(":")[4] ?? "";
  return {
    type: "Service",
    arn: service,
    principalArn: service,
    account,
    userId: service,
    identity: undefined,
    sourceArn,
  };
}
