import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startStack as startAws } from "../../aws/support/stack.ts";
import { startStack as startGcp } from "../../gcp/support/stack.ts";
import { alienHere } from "./support/run.ts";

const account = "210987654321";
const role = `arn:aws:iam::${account}:role/puller`;

/** Each cloud's adapter in this process, against its emulator. */
const clouds: readonly {
  readonly name: string;
  start(): Promise<{ binding(name: string): string; env(): Record<string, string>; stop(): Promise<void> }>;
  readonly grant: readonly string[];
  readonly revoke: readonly string[];
  readonly before: readonly RegExp[];
  readonly after: RegExp;
}[] = [
  {
    name: "AWS",
    async start() {
      const stack = await startAws({ accounts: [account] });
      stack.emulator.role(account, "puller");
      return stack;
    },
    grant: ["--account", account, "--region", "us-east-1", "--service-type", "worker", "--role", role],
    revoke: ["--account", account],
    before: [new RegExp(`^account +${account} +us-east-1$`, "m"), new RegExp(`^role +${role} +-$`, "m")],
    after: new RegExp(`^KIND.*\nrole +${role} +-\n$`),
  },
  {
    name: "Google Cloud",
    start: startGcp,
    grant: ["--project", "444455556666", "--service-type", "worker"],
    revoke: ["--project", "444455556666"],
    before: [/^project +444455556666 +yes$/m],
    after: /^Nobody else may pull\.\n$/,
  },
];

describe.each(clouds)("on $name", ({ start, grant, revoke, before, after }) => {
  let stack: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    stack = await start();
  });
  afterAll(() => stack.stop());

  it("what is granted is shown and can be revoked", async () => {
    const env = { ...stack.env(), ALIEN_IMAGES_BINDING: stack.binding("images") };
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await alienHere([...args, "--direct"], env);
      expect([code, stderr.replace(/^warning: Grants are for every repository of this registry\.\n/, "")]).toEqual([
        0,
        "",
      ]);
      return stdout;
    };
    const name = (await run("create", "my-app", "--quiet")).trim();
    await run("grant", name, ...grant);
    const shown = await run("access", name);
    for (const line of before) expect(shown).toMatch(line);
    await run("revoke", name, ...revoke);
    expect(await run("access", name)).toMatch(after);
    expect(await run("describe")).toMatch(/^Health +(healthy|degraded)$/m);
  });
});
