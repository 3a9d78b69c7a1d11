import type { RoutableName } from "../../../core/names.ts";
import type { AwsAccess } from "../../../core/schemas.ts";
import { probePolicy } from "../../../functions/aws/ecr/refused.ts";
import { ecrRolePolicy, trustPolicy } from "../../../functions/aws/policy/roles.ts";
import { ecrPublicSessionPolicy, ecrSessionPolicy } from "../../../functions/aws/policy/session.ts";
import { publicRolePolicy, valuesOf } from "../../infra/support/aws-roles.ts";
import { blanksOf, doorPolicies, policyNames, renderPolicy } from "../../infra/support/module.ts";
import { account, keyArn, scope } from "../least-privilege/support/scope.ts";
import { access, granted, writePolicy } from "../policy/support/access.ts";
import type { PolicyKind } from "./policy-lint.ts";

/** A policy that this project writes; all inline policies of a role count as one. */
export interface Written {
  readonly name: string;
  readonly kind: PolicyKind;
  readonly texts: readonly string[];
}

const arn = (service: string, rest: string, region: string = scope.region) =>
  `arn:aws:${service}:${region}:${account}:${rest}`;
const publicRepositories = ["acme-public", "acme-public-*"].map((name) => arn("ecr-public", `repository/${name}`, ""));

/** What the module fills into the blanks of its templates, for every one that there is. */
const values: Readonly<Record<string, string | readonly string[]>> = {
  ...valuesOf(scope),
  public_registry: `arn:aws:ecr-public::${account}:registry/${account}`,
  every_public_repository: `arn:aws:ecr-public::${account}:repository/*`,
  public_repositories: publicRepositories,
  public_inside: publicRepositories.slice(1),
  log_streams: arn("logs", "log-group:/aws/lambda/acme-invoke:*"),
  function: arn("lambda", "function:acme-invoke"),
  any_name: [arn("lambda", "function:acme-invoke"), arn("lambda", "function:acme-invoke:*")],
  queue_key: [keyArn],
  lease_key: [keyArn],
  queue: arn("sqs", "acme-setup"),
  rules: [arn("events", "rule/acme-setup"), arn("events", "rule/acme-replication", "eu-west-1")],
  home_bus: arn("events", "event-bus/default"),
  account,
  account_root: arn("iam", "root", ""),
  minting_functions: [arn("iam", "role/acme-invoke", ""), arn("iam", "role/acme-oidc", "")],
};

const kinds: Readonly<Record<string, PolicyKind>> = {
  "call-function": "managed",
  "call-url": "managed",
  "queue-access": "queue",
  "function-trust": "trust",
  "forwarding-trust": "trust",
  "minting-trust": "trust",
};

function template(name: string, more: Readonly<Record<string, string | readonly string[]>> = {}): string {
  const filled = blanksOf(name).map((blank) => [blank, more[blank] ?? values[blank]]);
  return JSON.stringify(renderPolicy(name, Object.fromEntries(filled.filter(([, value]) => value !== undefined))));
}

/** The templates of infra/aws: by concern, and those of a door together. */
export function moduleWrites(): Written[] {
  const others = policyNames.filter((name) => !/-minting(?:-push)?$/.test(name));
  return [
    ...others.map((name): Written => ({ name, kind: kinds[name] ?? "inline", texts: [template(name)] })),
    ...Object.entries(doorPolicies).map(
      ([door, names]): Written => ({
        name: `the role of ${door}`,
        kind: "inline",
        texts: names.map((name) => template(name)),
      }),
    ),
  ];
}

const partitions = [
  ["aws", "us-east-1", "eu-west-1"],
  ["aws-cn", "cn-north-1", "cn-northwest-1"],
  ["aws-us-gov", "us-gov-west-1", "us-gov-east-1"],
] as const;

/** What the functions write: roles, sessions, repositories, in every partition. */
export function functionsWrite(): Written[] {
  const written: Written[] = [];
  for (const [partition, home, replica] of partitions) {
    const add = (name: string, kind: PolicyKind, text: string | undefined) => {
      if (text === undefined) throw new Error(`Nothing is written for ${name}.`);
      written.push({ name: `${name} in ${partition}`, kind, texts: [text] });
    };
    const functionRoleArns = ["invoke", "oidc", "platform"].map(
      (door) => `arn:${partition}:iam::${account}:role/acme-${door}`,
    );
    add("trust", "trust", trustPolicy({ partition, account, functionRoleArns }));
    for (const permissions of ["pull", "push-pull"] as const) {
      const role = { partition, account, repositoryPrefix: "images", permissions };
      const alsoPull = ["images-b", "images-c"] as RoutableName[];
      const session = { partition, account, region: home, name: "images-app" as RoutableName, permissions };
      add(`${permissions} role`, "inline", ecrRolePolicy(role, [home, replica]));
      add(`${permissions} session`, "session", ecrSessionPolicy(session));
      add(`${permissions} session for several`, "session", ecrSessionPolicy({ ...session, alsoPull }));
      if (partition !== "aws") continue;
      add(`public ${permissions} role`, "inline", publicRolePolicy(role));
      add(`public ${permissions} session`, "session", ecrPublicSessionPolicy(session));
    }
    for (const [name, one] of Object.entries(grantsIn(partition, home))) {
      add(`grants to ${name}`, "repository", writePolicy(undefined, granted(one), { partition }));
    }
    add("probe", "repository", probePolicy([`arn:${partition}:iam::444455556666:root`]));
  }
  return written;
}

function grantsIn(partition: string, region: string): Readonly<Record<string, AwsAccess>> {
  const accountIds = ["444455556666", "777788889999"];
  const roleArns = [`arn:${partition}:iam::444455556666:role/path/reader`];
  return {
    accounts: access({ accountIds }),
    roles: access({ roleArns }),
    workers: access({ accountIds, allowedServiceTypes: ["worker"] }),
    "workers of a region": access({ accountIds, regions: [region], allowedServiceTypes: ["worker"] }),
    all: access({ accountIds, roleArns, regions: [region], allowedServiceTypes: ["worker"] }),
  };
}
