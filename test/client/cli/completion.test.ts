import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { alienHere } from "./support/run.ts";

/** What the documentation (docs/command-line.md) says works in a real bash, and what the script makes of typed words. */
const { stdout: script } = await alienHere(["complete", "bash"]);

/** What bash offers for words; the last one is being typed. `=` is a word of its own, as readline has it. */
function offered(...words: string[]): string[] {
  return offeredWith("", ...words);
}

/** The same where a command of this name does what a script says. */
function offeredWith(names: string, ...words: string[]): string[] {
  const line = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const asked = `COMP_WORDS=(alien-registry ${line}); COMP_CWORD=${words.length}
    _alien_registry; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-euc", `${script}\n${names}\n${asked}`], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((word) => word !== "");
}

describe("in bash", () => {
  it("is a script that holds, and can be read twice", () => {
    const { stderr, status } = spawnSync("bash", [
      "--norc",
      "-euc",
      `${script}\n${script}\ncomplete -p alien-registry`,
    ]);
    expect([status, `${stderr}`]).toEqual([0, ""]);
  });

  it("offers the registries that are bound, and the repositories that are there", () => {
    const names =
      'alien-registry() { [[ "$*" == "names registries" ]] && printf "images\\nbuilds\\n" || printf "images/app\\n"; }';
    expect(offeredWith(names, "get", "x", "--registry", "")).toEqual(["images", "builds"]);
    for (const command of ["get", "delete", "images", "delete-image", "login"]) {
      expect([command, offeredWith(names, command, "im")]).toEqual([command, ["images/app"]]);
    }
    expect(offeredWith(names, "create", "im")).toEqual([]);
    expect(offeredWith(names, "who", "im")).toEqual([]);
  });

  it.each<[string[], string[]]>([
    [["de"], ["delete", "delete-image", "describe", "deprovision"]],
    [["ser"], ["serve"]],
    [["ru"], ["rules"]],
    [["rules", ""], ["check"]],
    [
      ["rules", "check", "rules.json", "--"],
      ["--as", "--may", "--registry", "--help"],
    ],
    [["delete", "--y"], ["--yes"]],
    [["create", "--y"], []],
    [["create", "my-app", "--dir"], ["--direct"]],
    [
      ["get", "x", "--platform", ""],
      ["aws", "gcp", "azure", "kubernetes", "local"],
    ],
    [
      ["get", "--platform", "=", "a"],
      ["aws", "azure"],
    ],
    [
      ["get", "--platform", "="],
      ["aws", "gcp", "azure", "kubernetes", "local"],
    ],
    [["grant", "x", "--service-type", ""], ["worker"]],
    [
      ["login", "x", "--permissions", "pu"],
      ["pull", "push-pull"],
    ],
    [["credentials", "--ttl", ""], []],
    [
      ["complete", ""],
      ["bash", "zsh", "fish"],
    ],
    [["create", ""], []],
    [["frobnicate", "--"], []],
  ])("after %j offers %j", (words, expected) => {
    expect(offered(...words)).toEqual(expected);
  });

  it("runs nothing of what is typed", () => {
    expect(offered("create", "$(echo ran >&2)", "`echo ran >&2`", "; echo ran >&2 ;", "--js")).toEqual(["--json"]);
  });
});

it.each(["zsh", "fish"])("there is a script for %s too, and none for others", async (shell) => {
  expect(await alienHere(["complete", shell])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("deprovision"),
  });
  expect(await alienHere(["complete", "cmd"])).toMatchObject({ code: 2, stdout: "" });
});
