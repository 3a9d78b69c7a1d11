import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFake } from "../support/server.ts";
import { startLocal, type TestSuite } from "../support/suite.ts";
import { alien, alienHere, onTerminal } from "./support/run.ts";

let suite: TestSuite;
let env: Record<string, string>;
beforeAll(async () => {
  suite = await startLocal();
  const binding = { service: "function", url: suite.url, platform: "local" };
  env = { ALIEN_IMAGES_BINDING: JSON.stringify(binding), ALIEN_CALLER_TOKEN: suite.token };
});
afterAll(() => suite.stop());

const answer = { name: "images/x", uri: "127.0.0.1:1/images/x", createdAt: "2026-11-21T10:03:25.590Z" };
const colour = "\u001b[";

describe("before it destroys", () => {
  const question = 'Delete the repository "asked" with all its images?';
  beforeAll(async () => {
    expect((await alienHere(["create", "asked"], env)).code).toBe(0);
  });

  it.each<[string, string | ((pid: number) => void), number, string]>([
    ["no", "n\r", 11, "Nothing was done."],
    ["anything but yes", "yesterday\r", 11, "Nothing was done."],
    ["nothing", "\r", 11, "Nothing was done."],
    ["the end of input", "\u0004", 11, "Nothing was done."],
    ["Ctrl-C", "\u0003", 130, "Nothing was done."],
    ["SIGTERM", (pid) => process.kill(pid, "SIGTERM"), 143, "Nothing was done."],
  ])("it asks, and %s leaves it be", async (_answer, typed, code, said) => {
    const ended = await onTerminal(["delete", "asked"], env, [[question, typed]]);
    expect(ended).toMatchObject({ code, shown: expect.stringContaining(said) });
    expect((await alienHere(["get", "asked"], env)).code).toBe(0);
  });

  it("it asks, and yes is a yes", async () => {
    const { code, shown } = await onTerminal(["delete", "asked"], env, [[question, "Y\r"]]);
    expect([code, shown]).toEqual([0, expect.stringContaining("Deleted asked.")]);
    expect((await alienHere(["get", "asked"], env)).code).toBe(5);
  });

  it("it says what goes with a registry", async () => {
    const answers = [['Remove the registry "images" with all its repositories and images?', "n\r"]] as const;
    expect((await onTerminal(["deprovision", "--delete-repositories"], env, answers)).code).toBe(11);
  });
});

it("what scripts want is shown on a terminal without what commands it", async () => {
  const body = { authMethod: "basic", username: "u", password: "p\u001b]0;owned\u0007", scope: "repository" };
  const { url } = await startFake({ body });
  const args = ["credentials", "x", "--quiet", "--registry", "images", "--url", url, "--platform", "local"];
  expect((await onTerminal(args, env)).shown).toContain("p?]0;owned?");
  expect((await alienHere(args, env)).stdout).toBe(`${body.password}\n`);
});

describe("colours", () => {
  it.each<[string, Record<string, string>, boolean]>([
    ["are on a terminal", {}, true],
    ["are not with NO_COLOR", { NO_COLOR: "1" }, false],
    ["are not on a terminal that has none", { TERM: "dumb" }, false],
  ])("%s", async (_title, more, colours) => {
    const { shown } = await onTerminal(["get", "nothing", "--quiet"], { ...env, ...more });
    expect(shown).toContain("[RESOURCE_NOT_FOUND]");
    expect(shown.includes(colour)).toBe(colours);
  });

  it("are in no pipe, unless FORCE_COLOR says so", async () => {
    const [plain, forced] = await Promise.all([
      alien(["describe"], env),
      alien(["describe"], { ...env, FORCE_COLOR: "1" }),
    ]);
    expect(plain.stdout).not.toContain(colour);
    expect(forced.stdout).toContain(colour);
  });
});

describe("what takes long", () => {
  /** A function that answers when something else has happened. */
  async function answeringAfter() {
    let go = () => {};
    const gone = new Promise<void>((resolve) => {
      go = resolve;
    });
    const fake = await startFake({
      body: answer,
      after: gone,
    });
    return { go, seen: fake.seen, args: ["--registry", "images", "--url", fake.url, "--platform", "local"] };
  }

  it("shows that it goes on, and takes it away", async () => {
    const { go, args } = await answeringAfter();
    const { code, shown } = await onTerminal(["get", "x", ...args], env, [["Looking for the repository", go]]);
    expect(code).toBe(0);
    const last = shown.split("Looking for the repository").at(-1) ?? "";
    expect(last.indexOf(`\r${colour}K`)).toBeGreaterThan(0);
    expect(last.indexOf("images/x")).toBeGreaterThan(last.indexOf(`\r${colour}K`));
  });

  it("shows nothing to a script", async () => {
    const { go, seen, args } = await answeringAfter();
    const running = Promise.all([alien(["get", "x", ...args], env), onTerminal(["get", "x", "--json", ...args], env)]);
    await expect.poll(() => seen.length).toBe(2);
    // They go on for as long as it takes until it is shown to somebody who came after them.
    await onTerminal(["get", "x", ...args], env, [["Looking for the repository", go]]);
    const [piped, json] = await running;
    expect(piped.stderr).toBe("");
    expect(json.shown).toBe(`${JSON.stringify(answer)}\r\n`);
  });
});
