import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoutableName } from "../../../core/names.ts";
import type { Permissions } from "../../../core/schemas.ts";
import { ecrRolePolicy } from "../../../functions/aws/policy/roles.ts";
import { repositoryActions, tokenActions } from "../../../functions/aws/policy/session.ts";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import type { CallRecord } from "../../emulators/aws/call.ts";
import { replayCall } from "../../emulators/aws/replay.ts";
import { assume } from "../../emulators/aws/support.ts";
import { buildImage } from "../../oci/client/images.ts";
import { call, type DoorFunction, startDoor } from "./support/function.ts";
import { account, home, replica } from "./support/scope.ts";

let running: DoorFunction | undefined;
const calls: Record<Permissions, CallRecord[]> = { pull: [], "push-pull": [] };

/** What tools look up with a credential of ours before and after they pull; no registry request asks for it. */
const forTools = ["ecr:DescribeRepositories", "ecr:DescribeImages", "ecr:ListImages"];

beforeAll(async () => {
  running = await startDoor("invoke");
  const { emulator } = running.stack;
  const registry = await running.registry();
  const { name } = await registry.createRepository(registry.routeName("app"), call());
  const client = async (permissions: Permissions) => {
    const minted = await registry.generateCredentials(
      { name: name as RoutableName, permissions, ttlSeconds: 900 },
      call(),
    );
    const credentials = { username: minted.username, password: minted.password.reveal() };
    return createClient({ url: emulator.registryUrl(home), credentials });
  };
  const image = buildImage({ seed: "least-privilege", layers: [10, 20_000] });
  await pushImage(await client("push-pull"), name, "1.0", image);
  for (const permissions of ["pull", "push-pull"] as const) {
    const puller = await client(permissions);
    expect(await pullImage(puller, name, "1.0")).toEqual(image);
    await puller.headBlob(name, [...image.blobs.keys()][0] ?? "");
  }
  for (const permissions of ["pull", "push-pull"] as const) {
    const role = `assumed-role/images-${permissions === "pull" ? "pull" : "push"}/`;
    calls[permissions] = emulator.calls.filter(({ principal }) => principal?.includes(role));
  }
});
afterAll(() => running?.stack.stop());

describe.each(["pull", "push-pull"] as const)("the role for %s", (permissions) => {
  const scope = { partition: "aws", account, repositoryPrefix: "images", permissions };
  const policy = JSON.parse(ecrRolePolicy(scope, [home, replica]));
  const all = [...tokenActions.ecr, ...repositoryActions.ecr[permissions]];

  test("is enough for real images", async () => {
    expect(calls[permissions].length).toBeGreaterThan(2);
    for (const each of calls[permissions]) expect(await replayCall(each, [policy])).toEqual([]);
  });

  test.each(all.filter((action) => !forTools.includes(action)))("needs %s", async (action) => {
    const Statement = policy.Statement.map((each: { Action: string[] }) => ({
      ...each,
      Action: each.Action.filter((other) => other !== action),
    })).filter(({ Action }: { Action: string[] }) => Action.length > 0);
    const refused = await Promise.all(calls[permissions].map((each) => replayCall(each, [{ ...policy, Statement }])));
    expect(refused.flat()).toContain(action);
  });
});

describe("who may assume them", () => {
  test.each(["pull", "push"])(
    "the %s role: no other role of the account, whatever its own policy allows",
    async (kind) => {
      if (!running) throw new Error("Nothing runs.");
      const { emulator } = running.stack;
      const RoleArn = `arn:aws:iam::${account}:role/images-${kind}`;
      const assumeAll = { Effect: "Allow", Action: "sts:AssumeRole", Resource: "*" } as const;
      const stranger = emulator.credentialsFor(emulator.role(account, "stranger", { policies: assumeAll }));
      await expect(assume(emulator, stranger, { RoleArn })).rejects.toMatchObject({ name: "AccessDenied" });
      const function_ = emulator.credentialsFor(running.stack.functionRole);
      expect((await assume(emulator, function_, { RoleArn })).sessionToken).toBeDefined();
    },
  );
});
