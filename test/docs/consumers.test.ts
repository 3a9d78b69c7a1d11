import { expect, test } from "vitest";
import { openApiDocument } from "../../core/openapi/document.ts";
import { readPages } from "./pages.ts";

/** A value that lets in a project's workers on Google Cloud, in JSON; the accounts that it lets in as well. */
const workersOnGoogle =
  /"type":\s*"gcp",\s*"projectNumbers":\s*\["\d+"[^\]]*\],\s*"serviceAccountEmails":\s*\[([^\]]*)\]/g;

test("whoever lets in the workers of a project on Google Cloud lets in who deploys them", async () => {
  const pages = await readPages();
  const texts = [
    ...pages.map(({ path, blocks }) => [path, blocks.map(({ text }) => text).join("\n")] as const),
    ["OpenAPI", JSON.stringify(openApiDocument())] as const,
  ];
  const found = texts.flatMap(([path, text]) =>
    [...text.matchAll(workersOnGoogle)].map(([, emails]) => ({ path, emails })),
  );
  expect(found.map(({ path }) => path)).toEqual(
    expect.arrayContaining(["infra/gcp/README.md", "docs/gcp.md", "OpenAPI"]),
  );
  for (const { path, emails } of found) expect([path, emails]).toEqual([path, expect.stringContaining("@")]);
  expect(JSON.stringify(openApiDocument())).not.toMatch(/by themselves|by itself/);
});
