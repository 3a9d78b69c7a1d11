import { describe, expect, it } from "vitest";
import { blocksOf, commandsOf, printedAs } from "./blocks.ts";
import { parseDiagram } from "./diagrams.ts";
import { checkForm } from "./forms.ts";
import { checkTypes, languages } from "./languages.ts";

describe("how blocks are read", () => {
  const fenced = (...lines: string[]) => blocksOf("page.md", lines.join("\n"));

  it("knows each mark, and blocks inside lists", () => {
    const marks = ["doc-test: run", "doc-test: input getRepository", "needs: a cloud", "tested-by: test/a.test.ts"];
    const read = marks.map((mark) => fenced(`  <!-- ${mark} -->`, "  ```sh", "  a", "    b", "  ```")[0]);
    expect(read.map((block) => block?.mark)).toEqual([
      { kind: "run" },
      { kind: "form", form: "input getRepository" },
      { kind: "needs", what: "a cloud" },
      { kind: "tested-by", path: "test/a.test.ts" },
    ]);
    expect(read[0]).toMatchObject({ line: 2, language: "sh", text: "a\n  b\n" });
  });

  it("refuses a misspelt mark, and a block without an end", () => {
    expect(() => fenced("<!-- doctest: run -->", "```sh", "```")).toThrow("page.md:1");
    expect(() => fenced("```sh", "a")).toThrow("does not end");
    expect(fenced("text", "```sh", "```")[0]?.mark).toBeUndefined();
  });

  it("parts commands from what they print", () => {
    expect(commandsOf("$ a \\\n    b\nprinted\n\n$ c\n")).toEqual([
      { text: "a \\\n    b", printed: ["printed"] },
      { text: "c", printed: [] },
    ]);
    expect(() => commandsOf("printed\n$ a\n")).toThrow("by no command");
  });

  it("compares what is printed, but for what changes", () => {
    const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
    expect(`at ${digest("a")} 2026-01-01T00:00:00.1Z (x)`).toMatch(
      printedAs(`at ${digest("b")} 2025-12-31T10:00:00.000Z (x)`),
    );
    expect("one, and two").toMatch(printedAs("one ... two".replace(" ...", "...")));
    expect("one.two").not.toMatch(printedAs("one+two"));
    expect("anything").not.toMatch(printedAs("any.hing"));
  });

  it("reads diagrams", () => {
    expect(parseDiagram('flowchart TD\n  a["core"]\n  b["oci"]\n\n  a & b --> b\n  b -.-> a\n')).toEqual({
      kind: "flowchart",
      arrows: [
        { from: "core", to: "oci", dotted: false },
        { from: "oci", to: "oci", dotted: false },
        { from: "oci", to: "core", dotted: true },
      ],
    });
    const sequence =
      "sequenceDiagram\n  participant a as core\n  participant b as the cloud\n  a->>b: ask: this\n  b-->>a: say";
    expect(parseDiagram(sequence)).toEqual({
      kind: "sequence",
      participants: ["core", "the cloud"],
      messages: [
        { from: "core", to: "the cloud", answer: false, text: "ask: this" },
        { from: "the cloud", to: "core", answer: true, text: "say" },
      ],
    });
  });

  it.each([
    ["another kind", "pie\n", "begins no diagram"],
    ["nothing", "", "begins no diagram"],
    ["an arrow without an end", 'flowchart TD\n a["core"]\n a -->', "is no line"],
    ["an arrow to a box that was not introduced", 'flowchart TD\n a["core"]\n a --> b', '"b" is not introduced'],
    ["a message from nobody", "sequenceDiagram\n participant a as core\n b->>a: x", '"b" is not introduced'],
    ["a message without a text", "sequenceDiagram\n participant a as core\n a->>a", "is no line"],
    // There Mermaid would end the message.
    ["a semicolon in a message", "sequenceDiagram\n participant a as core\n a->>a: x; y", "is no line"],
  ])("refuses a diagram with %s", (_, text, reason) => {
    expect(() => parseDiagram(text)).toThrow(reason);
  });

  it("forms say no", async () => {
    await expect(checkForm("rules", '[{"callers":["me"]}]')).rejects.toThrow("access rules are not valid");
    await expect(checkForm("binding", '{"service":"ecr"}')).rejects.toThrow("repositoryPrefix");
    await expect(checkForm("binding", '{"service":"other"}')).rejects.toThrow("no service");
    await expect(checkForm("issuers", '[{"issuer":"https://x"}]')).rejects.toThrow("audience");
    await expect(checkForm("input createRepository", '{"registry":"images"}')).rejects.toThrow("name");
    await expect(checkForm("output createRepository", "{}")).rejects.toThrow("name");
    await expect(checkForm("error", '{"code":"TIMEOUT"}')).rejects.toThrow("message");
    const lying = { code: "TIMEOUT", message: "", retryable: true, httpStatusCode: 500, requestId: "1" };
    await expect(checkForm("error", JSON.stringify(lying))).rejects.toThrow("not answered with 500");
    await expect(checkForm("event", '{"specversion":"1.0"}')).rejects.toThrow("id");
    await expect(checkForm("nothing", "{}")).rejects.toThrow("no form");
  });

  it("languages say no", async () => {
    const block = (language: string, text: string) => fenced(`\`\`\`${language}`, text, "```")[0] ?? { text, language };
    const check = async (language: string, text: string) => languages[language]?.(block(language, text) as never);
    await expect(check("sh", "if true; then")).rejects.toThrow("syntax error");
    const wrongInput = "must be|missing|not a field";
    const sends = [
      'curl x/v1/getRepository -H a \\\n -d \'{"registry":"images"}\'',
      `call '{"operation":"getRepository","x":1}'`,
    ];
    for (const text of sends) await expect(check("sh", text)).rejects.toThrow(new RegExp(wrongInput));
    await expect(check("console", '$ echo "a\nb')).rejects.toThrow("unexpected EOF");
    await expect(check("json", "{a: 1}")).rejects.toThrow("JSON");
    await expect(check("yaml", "a: [")).rejects.toThrow("Flow sequence");
    await expect(check("hcl", 'resource "x" "nowhere" {}')).rejects.toThrow("no file");
    const wrong = 'import { artifactRegistry } from "artifact-registry-functions";\nartifactRegistry(1);';
    await expect(checkTypes(fenced("```ts", wrong, "```"))).rejects.toThrow(
      "page.md (block of line 1) (2,18): error TS2345",
    );
  });
});
