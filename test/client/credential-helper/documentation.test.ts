import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { checkBinding } from "../../../client/binding.ts";
import { readConfiguration } from "../../../client/credential-helper/configuration.ts";
import { configured } from "./support/configure.ts";

const page = "docs/credential-helper.md";
const text = await readFile(new URL(`../../../${page}`, import.meta.url), "utf8");
/** Whole blocks, and files that a block of shell writes. */
const configurations = [
  ...text.matchAll(/^(?:```json|cat > \S*docker-credential\S* <<'EOF')\n([\s\S]*?)^(?:```|EOF)$/gm),
];

it("shows configurations", () => {
  expect(configurations).toHaveLength(3);
});

it.each(configurations.map(([, json = ""]) => JSON.parse(json)))("takes the configuration as printed", async (json) => {
  const { accounts } = readConfiguration(await configured(json));
  expect(accounts.size).toBe(Object.keys(json.registries).length);
  for (const { binding } of accounts.values()) expect(checkBinding(binding, page)).toEqual(binding);
});
