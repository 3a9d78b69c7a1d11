import { bindPrincipals } from "./identity/bound-principals.ts";
import { parseDocument, type Statement } from "./identity/documents.ts";
import { sessionPrincipal, userPrincipal } from "./identity/principal.ts";
import type { World } from "./world.ts";

/** A policy as a test writes it: statements, or a whole document. */
export type PolicyInput = Statement | readonly Statement[] | { readonly Version: string; readonly Statement: unknown };

export interface RoleSeed {
  /** One inline policy, or several by name. */
  readonly policies?: PolicyInput | Readonly<Record<string, PolicyInput>>;
  /** Default: the Lambda service and the role's own account. */
  readonly trust?: PolicyInput;
  readonly path?: string;
  readonly maxSessionDuration?: number;
  /** ARN of a managed policy. */
  readonly permissionsBoundary?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface SdkCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

const EVERYTHING: Statement = { Effect: "Allow", Action: "*", Resource: "*" };

/** What tests arrange without asking anybody for leave. */
export function seeding(world: World, url: () => string, home: string) {
  const { directory } = world;

  function role(account: string, name: string, seed: RoleSeed = {}): string {
    const trust = seed.trust ?? defaultTrust(directory.partition, account);
    directory.account(account);
    const old = directory.account(account).roles.get(name);
    if (old !== undefined) old.deleted = true;
    const made = directory.addRole(account, name, bindPrincipals(directory, documentOf(trust)), {
      path: seed.path ?? "/",
    });
    for (const [policy, text] of namedPolicies(seed.policies)) made.policies.set(policy, text);
    for (const [key, value] of Object.entries(seed.tags ?? {})) made.tags.set(key, value);
    made.maxSessionDuration = seed.maxSessionDuration ?? 3600;
    made.boundary = seed.permissionsBoundary;
    return made.arn;
  }

  function credentialsFor(roleArn: string, { name = "function", seconds = 12 * 3600 } = {}): SdkCredentials {
    const found = directory.find(roleArn);
    if (found?.kind !== "role") throw new Error(`There is no role ${roleArn}.`);
    const expiresAt = new Date(world.clock().getTime() + seconds * 1000);
    const key = directory.issueKey(sessionPrincipal(found, { name, expiresAt }), { session: true });
    return {
      accessKeyId: key.id,
      secretAccessKey: key.secret,
      ...(key.sessionToken === undefined ? {} : { sessionToken: key.sessionToken }),
    };
  }

  return {
    account(id: string): void {
      directory.account(id);
    },
    role,
    credentialsFor,
    managedPolicy(account: string, name: string, policy: PolicyInput): string {
      const arn = `arn:${directory.partition}:iam::${account}:policy/${name}`;
      directory.account(account).managed.set(arn, JSON.stringify(documentOf(policy)));
      return arn;
    },
    userCredentials(account: string, name: string, policies?: RoleSeed["policies"]): SdkCredentials {
      const user = directory.addUser(account, name);
      for (const [policy, text] of namedPolicies(policies)) user.policies.set(policy, text);
      const key = directory.issueKey(userPrincipal(user), { session: false });
      return { accessKeyId: key.id, secretAccessKey: key.secret };
    },
    admin(account = home): SdkCredentials {
      const arn = `arn:${directory.partition}:iam::${account}:role/emulator-admin`;
      const exists = directory.find(arn) !== undefined;
      return credentialsFor(exists ? arn : role(account, "emulator-admin", { policies: EVERYTHING }), {
        name: "admin",
      });
    },
    queue(account: string, region: string, name: string): string {
      world.queues.set(`arn:${directory.partition}:sqs:${region}:${account}:${name}`, { messages: [] });
      return `${url()}/${account}/${name}`;
    },
  };
}

function documentOf(policy: PolicyInput) {
  const whole = "Version" in policy ? policy : { Version: "2012-10-17", Statement: policy };
  const document = parseDocument(JSON.stringify(whole));
  if (document === undefined) throw new Error("This is not a policy.");
  return document;
}

function namedPolicies(policies: RoleSeed["policies"] = []): [string, string][] {
  const none = Array.isArray(policies) && policies.length === 0;
  const named: Readonly<Record<string, PolicyInput>> = isPolicy(policies) ? { inline: policies } : policies;
  return none ? [] : Object.entries(named).map(([name, policy]) => [name, JSON.stringify(documentOf(policy))]);
}

function isPolicy(policies: NonNullable<RoleSeed["policies"]>): policies is PolicyInput {
  if (Array.isArray(policies)) return true;
  const { Effect, Version } = policies as { readonly Effect?: unknown; readonly Version?: unknown };
  return typeof Effect === "string" || typeof Version === "string";
}

function defaultTrust(partition: string, account: string): PolicyInput {
  const Principal = { Service: "lambda.amazonaws.com", AWS: `arn:${partition}:iam::${account}:root` };
  return { Effect: "Allow", Principal, Action: "sts:AssumeRole" };
}
