import type { AwsAccess } from "../../../../core/schemas.ts";
import type { Statement } from "../../../emulators/aws/identity/documents.ts";
import { evaluate } from "../../../emulators/aws/identity/oracle.ts";
import { access } from "../support/registry.ts";
import { everyRegion, home } from "./cloud.ts";

const [A, B, D, stranger] = ["444455556666", "777788889999", "222233334444", "999900001111"] as const;
/** Whom only statements of others name. */
export const foreigner = "666677778888";
const role = `arn:aws:iam::${D}:role/app`;
export const accounts: readonly string[] = [A, B, D, stranger, foreigner];
const [, west = ""] = everyRegion;
const worker = { allowedServiceTypes: ["worker" as const] };

/** What is granted and revoked, by a name for people. */
export const accesses = {
  A: access({ accountIds: [A] }),
  B: access({ accountIds: [B] }),
  R: access({ roleArns: [role] }),
  "A at home": access({ accountIds: [A], regions: [home], ...worker }),
  "A in the west": access({ accountIds: [A], regions: [west], ...worker }),
  "B anywhere": access({ accountIds: [B], ...worker }),
  "A and R": access({ accountIds: [A], roleArns: [role] }),
} as const satisfies Readonly<Record<string, AwsAccess>>;
export type AccessName = keyof typeof accesses;

/** Never granted: its removal changes nobody's access. */
export const harmless = access({ accountIds: [stranger] });

/** Whom AWS may come to refuse: an account with everything in it. */
export const refusable = { A, B, "R's account": D, foreigner } as const;
export type RefusableName = keyof typeof refusable;

/** The account that a grant is about. */
export function accountIn(grant: string): string {
  return /\d{12}/.exec(grant)?.[0] ?? "";
}

/** What a statement of ours would be, written by somebody else. */
export const inOurForm: Statement = {
  Sid: "ArtifactRegistryAccounts",
  Effect: "Allow",
  Principal: { AWS: `arn:aws:iam::${A}:root` },
  Action: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
};
export const grantInOurForm = `account ${A}`;

/** Statements of somebody else, without a Sid and with one. */
export const theirs = {
  allows: { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${foreigner}:root` }, Action: "ecr:DescribeImages" },
  denies: {
    Sid: "Theirs",
    Effect: "Deny",
    Principal: { AWS: `arn:aws:iam::${foreigner}:root` },
    Action: "ecr:PutImage",
  },
} as const satisfies Readonly<Record<string, Statement>>;

const needed = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const everything = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});

/** Everything that a grant could open, and that a pull can tell apart. */
const pulls = {
  ...Object.fromEntries([A, B, stranger].map((id) => [`account ${id}`, asRole(`arn:aws:iam::${id}:role/deployer`)])),
  [`role ${role}`]: asRole(role),
  [`worker ${A} ${home}`]: asLambda(A, home),
  [`worker ${A} ${west}`]: asLambda(A, west),
  [`worker ${A} any`]: asLambda(A, "sa-east-1"),
  [`worker ${B} any`]: asLambda(B, "sa-east-1"),
};

/** What the accesses above can grant, all of it. */
export const universe: ReadonlySet<string> = new Set([
  ...[A, B].map((id) => `account ${id}`),
  ...[`role ${role}`, `worker ${A} ${home}`, `worker ${A} ${west}`, `worker ${B} any`],
]);

interface Puller {
  readonly arn: string;
  readonly identityPolicies: readonly string[];
  readonly context: Readonly<Record<string, string>>;
}

function asRole(arn: string): Puller {
  const [, , , , id = "", name = ""] = arn.split(/[:]/);
  const context = { "aws:PrincipalArn": arn, "aws:PrincipalAccount": id, "aws:PrincipalType": "AssumedRole" };
  const session = `arn:aws:sts::${id}:assumed-role/${name.replace("role/", "")}/session`;
  return { arn: session, identityPolicies: [everything], context };
}

function asLambda(id: string, region: string): Puller {
  const context = {
    "aws:SourceArn": `arn:aws:lambda:${region}:${id}:function:worker`,
    "aws:SourceAccount": id,
    "aws:PrincipalIsAWSService": "true",
    "aws:PrincipalServiceName": "lambda.amazonaws.com",
  };
  return { arn: "lambda.amazonaws.com", identityPolicies: [], context };
}

/** What each statement allows and denies, by its text: there are few, and a simulation is dear. */
const known = new Map<string, Promise<{ readonly allows: Set<string>; readonly denies: Set<string> }>>();

/**
 * The grants that a policy amounts to, by IAM's own evaluation of each pull. Whether AWS knows the puller at this moment is
 * left out: an account that is closed may be opened again.
 */
export async function whoMay(statements: readonly Statement[]): Promise<ReadonlySet<string>> {
  const each = await Promise.all(statements.map(effectOf));
  const allowed = new Set(each.flatMap(({ allows }) => [...allows]));
  for (const { denies } of each) for (const grant of denies) allowed.delete(grant);
  // Lambda pulls what the account may pull too.
  return new Set(
    [...allowed].filter((grant) => !grant.startsWith("worker") || allowed.has(`account ${accountIn(grant)}`)),
  );
}

function effectOf(statement: Statement) {
  const text = JSON.stringify(statement);
  const effect = known.get(text) ?? evaluated(statement);
  known.set(text, effect);
  return effect;
}

async function evaluated(statement: Statement) {
  const [allows, denies] = [new Set<string>(), new Set<string>()];
  for (const [grant, { arn, identityPolicies, context }] of Object.entries(pulls)) {
    const verdicts = await Promise.all(
      needed.map((action) =>
        evaluate(
          { arn, identityPolicies },
          {
            action,
            context,
            resource: `arn:aws:ecr:${home}:111122223333:repository/any`,
            resourceAccount: "111122223333",
            resourcePolicy: { Version: "2012-10-17", Statement: [statement] },
          },
        ),
      ),
    );
    if (verdicts.every((verdict) => verdict === "Allowed")) allows.add(grant);
    if (verdicts.includes("ExplicitlyDenied")) denies.add(grant);
  }
  return { allows, denies };
}
