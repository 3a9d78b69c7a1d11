import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDirectory } from "../../../core/bindings.ts";
import { startCall } from "../../../core/call.ts";
import type { RoutableName } from "../../../core/names.ts";
import { platform } from "../../../functions/aws/index.ts";
import { type Suite, startSuite } from "../../contract/harness.ts";
import type { EmulatorOptions } from "../../emulators/aws/index.ts";
import { type AwsStack, startStack } from "../support/stack.ts";

const stacks: AwsStack[] = [];
const suites: Suite[] = [];
afterAll(async () => {
  await Promise.all(suites.map((suite) => suite.stop()));
  await Promise.all(stacks.map((stack) => stack.stop()));
});

async function start(options: EmulatorOptions): Promise<AwsStack> {
  const stack = await startStack({ prefixes: [], ...options });
  stacks.push(stack);
  stack.useInThisProcess();
  return stack;
}

/** Provisions a registry, and answers the function that is bound to it. */
async function provisioned(stack: AwsStack): Promise<Suite> {
  const bind = async (binding: object) => {
    const env = { ...stack.env(), ALIEN_IMAGES_BINDING: JSON.stringify(binding) };
    const suite = await startSuite(platform, env, ["images"]);
    suites.push(suite);
    return suite;
  };
  const provisioning = await bind({ service: "ecr", repositoryPrefix: "images", leaseTable: "leases" });
  const { binding } = await provisioning.ok("provisionRegistry", { registry: "images" });
  return bind(binding);
}

describe("credentials of a registry that was provisioned just now", () => {
  test.each<[string, EmulatorOptions, string[]]>([
    ["roles are", { roleDelay: { looks: 2 } }, ["AssumeRole AccessDenied", "AssumeRole AccessDenied", "AssumeRole ok"]],
    [
      "inline policies are",
      { policyDelay: { looks: 2 } },
      ["AssumeRole ok", ...Array(2).fill("GetAuthorizationToken AccessDeniedException")],
    ],
  ])("are waited for where %s seen late", async (_, delay, first) => {
    const stack = await start(delay);
    const suite = await provisioned(stack);
    stack.emulator.calls.length = 0;
    await suite.ok("generateCredentials", { registry: "images", repoId: "app", permissions: "pull" });
    const calls = stack.emulator.calls.map(({ action, outcome }) => `${action} ${outcome}`);
    expect(calls).toEqual([...first, "GetAuthorizationToken ok"]);
  });
});

describe("what stays denied", () => {
  let stack: AwsStack;
  beforeAll(async () => {
    stack = await start({});
  });

  /** Mints in a process that has seen nothing yet, or in one that has. */
  async function open() {
    const arn = (name: string) => `arn:aws:iam::${stack.account}:role/${name}`;
    const binding = { service: "ecr", repositoryPrefix: "late", pullRoleArn: arn("unseen"), pushRoleArn: arn("weak") };
    const env = { ...stack.env(), ALIEN_IMAGES_BINDING: JSON.stringify(binding) };
    return createDirectory(platform, env, ["images"]).open("images");
  }
  const mint = (
    registry: Awaited<ReturnType<typeof open>>,
    permissions: "pull" | "push-pull",
    { signal = AbortSignal.timeout(20_000), now = () => new Date() } = {},
  ) => {
    const call = startCall({ requestId: "1", caller: { issuer: "door", subject: "alice" }, signal, now });
    return registry.generateCredentials({ name: "late-app" as RoutableName, permissions }, call);
  };

  test.each([
    ["pull", "AssumeRole", /sts:AssumeRole/],
    ["push-pull", "GetAuthorizationToken", /ecr:GetAuthorizationToken/],
  ] as const)(
    "%s, by %s, is retryable when the operation's time is over, and says why",
    async (permissions, action, hint) => {
      stack.emulator.role(stack.account, "weak", {
        trust: { Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" },
      });
      const registry = await open();
      const over = new AbortController();
      let tries = 0;
      stack.emulator.faults.after = async (call) => {
        if (call.action === action && ++tries === 2) over.abort(new DOMException("over", "TimeoutError"));
      };
      await expect(mint(registry, permissions, { signal: over.signal })).rejects.toMatchObject({
        code: "SERVICE_UNAVAILABLE",
        retryable: true,
        retryAfterSeconds: 10,
        hint: expect.stringMatching(/IAM's propagation/),
      });
      stack.emulator.faults.clear();
      // The process knows since when, and a minute later it no longer waits.
      const later = new Date(Date.now() + 61_000);
      const before = stack.emulator.calls.length;
      const refused = await mint(registry, permissions, { now: () => later }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "ACCESS_DENIED", retryable: false, hint: expect.stringMatching(hint) });
      expect(stack.emulator.calls.slice(before).filter((each) => each.action === action)).toHaveLength(1);
    },
  );
});

test("a grant to a role that other services see, and no policy may name yet, is waited for", async () => {
  const late = await start({ principalDelay: { looks: 2 } });
  const suite = await provisioned(late);
  await suite.ok("generateCredentials", { registry: "images", repoId: "app", permissions: "pull" });
  const { name } = await suite.ok("createRepository", { registry: "images", name: "app" });
  const roleArns = [`arn:aws:iam::${late.account}:role/images-pull`];
  const access = { type: "aws", accountIds: [], regions: [], roleArns, allowedServiceTypes: [] };
  late.emulator.calls.length = 0;
  await suite.ok("addCrossAccountAccess", { registry: "images", repoId: name, access });
  const outcomes = late.emulator.calls
    .filter(({ action, input }) => action === "SetRepositoryPolicy" && input.repositoryName === name)
    .map(({ outcome }) => outcome);
  expect(outcomes).toEqual(["InvalidParameterException", "ok"]);
});
