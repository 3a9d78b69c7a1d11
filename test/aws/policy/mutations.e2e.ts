import { describe, expect, test } from "vitest";
import { ecrRolePolicy, trustPolicy } from "../../../functions/aws/policy/roles.ts";
import { ecrPublicSessionPolicy, ecrSessionPolicy } from "../../../functions/aws/policy/session.ts";
import { access, accounts, aws, granted, regions, roles, workerIn, writePolicy } from "./support/access.ts";
import { modelOf } from "./support/model.ts";
import { type Mutant, mutantsOf } from "./support/mutants.ts";
import { type Document, isAllowed, parse } from "./support/oracle.ts";
import {
  publicScope,
  pullScope,
  pushScope,
  roleSheet,
  sessionSheet,
  trustScope,
  trustSheet,
} from "./support/sessions.ts";
import { anyWrongAnswer, type Sheet, sheetFor } from "./support/sheet.ts";

/** The mutants about which no question has another answer: mistakes that the oracle would let pass. */
async function survivors(
  document: Document,
  moreActions: readonly string[],
  isFound: (mutated: Document) => Promise<boolean>,
): Promise<string[]> {
  const mutants: Mutant[] = mutantsOf(document, moreActions);
  expect(mutants.length).toBeGreaterThan(5);
  const alive: string[] = [];
  for (const { name, document: mutated } of mutants) if (!(await isFound(mutated))) alive.push(name);
  return alive;
}

const widerActions = (service: string) =>
  ["SetRepositoryPolicy", "PutImage", "CreateRepository", "*"].map((name) => `${service}:${name}`);

async function disagrees(sheet: readonly Sheet[]): Promise<boolean> {
  for (const { question, expected } of sheet) if ((await isAllowed(question)) !== expected) return true;
  return false;
}

describe("every small mistake in a document changes an answer", () => {
  test("repository policy", async () => {
    const grants = granted(
      workerIn(["111111111111", "222222222222"], ["us-east-1", "us-west-2"]),
      workerIn(["333333333333", "666666666666"]),
      access({ accountIds: ["888888888888"], roleArns: roles.slice(1) }),
    );
    const world = { ...aws, accounts: [...accounts, "666666666666", "888888888888"], regions, roles: roles.slice(1) };
    const sheet = sheetFor(modelOf(grants), world).filter(
      ({ question: { action }, expected }) =>
        expected || /PutImage$|RepositoryPolicy$|CreateRepo|Layer|BatchGet/.test(action),
    );
    const document = parse(writePolicy(undefined, grants, aws));
    expect(await anyWrongAnswer(sheet, document)).toBe(false);
    expect(await survivors(document, widerActions("ecr"), (mutated) => anyWrongAnswer(sheet, mutated))).toEqual([]);
  });

  test.each([
    ["pull session", parse(ecrSessionPolicy(pullScope)), pullScope, "ecr", []],
    ["push session", parse(ecrSessionPolicy(pushScope)), pushScope, "ecr", []],
    // Where there are no regions and no further repositories, the next statement allows it already.
    [
      "public session",
      parse(ecrPublicSessionPolicy(publicScope)),
      publicScope,
      "ecr-public",
      ["1.Action with ecr-public:PutImage"],
    ],
  ] as const)("%s", async (_name, document, scope, service, same) => {
    const isFound = (mutated: Document) => disagrees(sessionSheet(service, scope, mutated));
    expect(await isFound(document)).toBe(false);
    expect(await survivors(document, widerActions(service), isFound)).toEqual(same);
  });

  test.each(["pull", "push-pull"] as const)("role for %s", async (permissions) => {
    const document = parse(ecrRolePolicy({ ...pullScope, repositoryPrefix: "images", permissions }, regions));
    const isFound = (mutated: Document) => disagrees(roleSheet(permissions, mutated));
    expect(await isFound(document)).toBe(false);
    expect(await survivors(document, widerActions("ecr"), isFound)).toEqual([]);
  });

  test("trust", async () => {
    const document = parse(trustPolicy(trustScope));
    const isFound = (mutated: Document) => disagrees(trustSheet(mutated));
    expect(await isFound(document)).toBe(false);
    // The account is bound twice, by the principal and by the role's ARN: either alone still holds.
    const account = "arn:aws:iam::999999999999:root";
    const roleIn = (which: string) => `arn:aws:iam::${which}:role`;
    expect(await survivors(document, ["sts:*"], isFound)).toEqual([
      "0.Principal *",
      `0.Principal.AWS ${account} as *`,
      ...["oidc", "platform"].map(
        (door, index) =>
          `0.Condition.ArnEquals.aws:PrincipalArn.${index} ${roleIn("999999999999")}/images-${door} as ${roleIn("*")}/images-${door}`,
      ),
    ]);
  });
});
