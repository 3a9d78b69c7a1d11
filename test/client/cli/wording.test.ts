import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { installCommand } from "../../../client/cli/installation.ts";
import { inOwnWords } from "../../../client/cli/wording.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { writeLayout } from "../../e2e/layout.ts";
import { buildImage } from "../../oci/client/images.ts";
import { startFake } from "../support/server.ts";
import { alienHere } from "./support/run.ts";

const at = (url: string) => ["--registry", "images", "--url", url, "--platform", "local"];

describe("an error in the command line's own words", () => {
  const said = (message: string, field?: string, hint?: string) => {
    const context = field === undefined ? undefined : { field };
    const error = new ArtifactRegistryError("INVALID_INPUT", message, {
      context,
      hint,
      retryable: true,
      requestId: "r",
    });
    const own = inOwnWords(error);
    expect(own).toMatchObject({ code: "INVALID_INPUT", retryable: true, requestId: "r" });
    return own.hint === undefined ? own.message : `${own.message} ${own.hint}`;
  };

  it.each([
    ['"ttlSeconds" must be at least 1 second.', "ttlSeconds", "--ttl must be at least 1 second."],
    ['"access.accountIds.0" must be 12 digits.', "access.accountIds.0", "--account must be 12 digits."],
    ['"repoId" must be shorter.', "repoId", "<repository> must be shorter."],
    ['"registry" must be shorter.', "registry", "--registry must be shorter."],
    ['"caller.issuer" is missing.', "caller.issuer", "--issuer is missing."],
    ['"somethingElse" is odd.', "somethingElse", '"somethingElse" is odd.'],
  ])("%s", (message, field, expected) => {
    expect(said(message, field)).toBe(expected);
  });

  it.each([
    ["Create it with createRepository.", "Create it with `alien-registry create`."],
    ["Call generateCredentials for pulls.", "Call `alien-registry credentials` for pulls."],
    ["Pass deleteRepositories: true.", "Pass --delete-repositories."],
    ["provisionRegistry with backfill: true copies them.", "`alien-registry provision` with --backfill copies them."],
    ["Set catalogData in the binding.", "Set catalogData in the binding."],
  ])("the hint: %s", (hint, expected) => {
    expect(said("No.", undefined, hint)).toBe(`No. ${expected}`);
  });

  it("scripts get as the function says it", async () => {
    const wire = { code: "INVALID_INPUT", message: '"ttlSeconds" is odd.', context: { field: "ttlSeconds" } };
    const body = { ...wire, retryable: false, httpStatusCode: 400, requestId: "r", hint: "See createRepository." };
    const { url } = await startFake({ status: 400, body });
    const { stderr } = await alienHere(["get", "x", "--json", ...at(url)], { ALIEN_CALLER_TOKEN: "t" });
    expect(JSON.parse(stderr)).toEqual(body);
  });

  it("guesses what a word was meant to be", async () => {
    expect((await alienHere(["creat", "x"])).stderr).toBe(
      "error: Unknown command 'creat'. [INVALID_INPUT]\nhint:  Did you mean create? See `alien-registry --help`.\n",
    );
    expect((await alienHere(["create", "x", "--registri", "y"])).stderr).toBe(
      "error: Unknown option '--registri'. [INVALID_INPUT]\nhint:  Did you mean --registry? See `alien-registry create --help`.\n",
    );
  });
});

describe("the hint for a package that is missing", () => {
  const folders = async () => {
    const root = await mkdtemp(join(tmpdir(), "installed-"));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    await mkdir(join(root, "project/src"), { recursive: true });
    await writeFile(join(root, "project/package.json"), "{}");
    return root;
  };
  const own = "node_modules/artifact-registry-functions/chunks";

  it("installs it beside the program, wherever that is called", async () => {
    const root = await folders();
    const [project, src] = [join(root, "project"), join(root, "project/src")];
    expect(installCommand("a b", join(project, own), src)).toBe("npm install a b");
    expect(installCommand("a b", join(project, own), root)).toBe(`npm install --prefix ${project} a b`);
    expect(installCommand("a", `/usr/lib/${own}`, project)).toBe("npm install --global --prefix /usr a");
    expect(installCommand("a", `/home/with space/lib/${own}`, "/")).toBe(
      'npm install --global --prefix "/home/with space" a',
    );
    expect(installCommand("a", "/clone/client/cli", "/clone")).toBe("npm install a");
  });

  it("stands in the error for people", () => {
    const error = new ArtifactRegistryError("BINDING_CONFIG_INVALID", "Not installed: a.", {
      hint: "npm install a",
      context: { packages: "a" },
    });
    expect(inOwnWords(error).hint).toBe(installCommand("a"));
  });
});

describe("a duration", () => {
  it.each([
    ["900", 900],
    ["15m", 900],
    ["1h", 3_600],
    ["1h30m", 5_400],
    ["1h0m5s", 3_605],
  ])("%s is %i seconds", async (text, seconds) => {
    const { url, seen } = await startFake({ body: {} });
    await alienHere(["credentials", "x", "--ttl", text, ...at(url)], { ALIEN_CALLER_TOKEN: "t" });
    expect(JSON.parse(seen[0]?.body ?? "{}")).toMatchObject({ ttlSeconds: seconds });
  });

  it.each(["1x", "h", "", "1.5h", "30m1h", "0h", "-5", "1 h"])("%j is none", async (text) => {
    const { code, stderr } = await alienHere(["credentials", "x", `--ttl=${text}`, ...at("http://127.0.0.1:1")]);
    expect(code).toBe(2);
    expect(stderr).toContain("It must be a duration, such as 900 (seconds), 15m or 1h.");
  });

  it("limits a call as well", async () => {
    const { url } = await startFake("silence");
    const { code, stderr } = await alienHere(["get", "x", "--timeout", "1s", ...at(url)], { ALIEN_CALLER_TOKEN: "t" });
    expect(code).toBe(9);
    expect(stderr).toContain("within 1000 ms");
  });
});

describe("the examples of the help", async () => {
  const { stdout } = await alienHere(["--help"]);
  const names = [...(/^Commands:\n(.*?)\n\n/ms.exec(stdout)?.[1] ?? "").matchAll(/^ {2}(\S+)/gm)].map(
    ([, name = ""]) => name,
  );

  let layout: string;
  beforeAll(async () => {
    layout = await mkdtemp(join(tmpdir(), "my-image-"));
    await writeLayout(layout, buildImage({ seed: "an example" }), "1.0");
    return () => rm(layout, { recursive: true, force: true });
  });

  it.each(names.filter((name) => name !== "help"))("are there for %s, and can be called so", async (name) => {
    const { stdout: help } = await alienHere([name, "--help"]);
    const lines = [...help.matchAll(/^ {2}\$ alien-registry (.*)$/gm)].map(([, line = ""]) => line.split(" "));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(line[0]).toBe(name);
      for (const word of line.filter((each) => each.startsWith("--"))) expect(help).toContain(`${word} `);
      if (!help.includes("--url <url>")) continue;
      const { url, seen } = await startFake({ body: {} });
      const yes = help.includes("--yes") && !line.includes("--yes") ? ["--yes"] : [];
      const words = line.map((word) => (word === "./my-image" ? layout : word));
      await alienHere([...words, ...yes, ...at(url)], { ALIEN_CALLER_TOKEN: "t" });
      expect([line, seen.length > 0]).toEqual([line, true]);
    }
  });
});
