import { expect, it } from "vitest";
import { follow } from "./clouds/follow.ts";
import { startGcp } from "./clouds/gcp.ts";
import { readPages } from "./pages.ts";

const self = "test/docs/tenants.e2e.ts";

/** What docs/gcp.md prints, whose text may be changed before. */
async function followed(change: (text: string) => string) {
  const page = (await readPages()).find(({ path }) => path === "docs/gcp.md");
  if (!page) throw new Error("There is no docs/gcp.md.");
  const cloud = await startGcp(["north", "south"]);
  try {
    const blocks = page.blocks.map((block) => ({ ...block, text: change(block.text) }));
    return await follow({ ...page, blocks }, self, cloud);
  } finally {
    await cloud.stop();
  }
}

const written = /Writing manifest to image destination/g;

it("docs/gcp.md keeps two tenants apart, each in a registry of its own", async () => {
  const { printed, called } = await followed((text) => text);
  expect(called).toContain("gcloud auth print-identity-token");
  expect(printed).not.toContain('"code"');
  expect(printed).toContain('"repositoryName":"acme-north"');
  expect(printed).toContain('"repositoryName":"acme-south"');
  // Two pushes, and the one pull that is allowed.
  expect(printed.match(written)).toHaveLength(3);
  expect(printed).toContain("south is closed to north");
});

it("in one registry for both, the same credentials open the other tenant's image", async () => {
  const inOne = (text: string) => text.replace("acme-$tenant/app:1.0", "acme-north/$tenant:1.0");
  const both = (text: string) => text.replaceAll(/acme-(north|south)\/app:1\.0/g, "acme-north/$1:1.0");
  const { printed } = await followed((text) =>
    both(inOne(text)).replace('login "$tenant" push-pull', "login north push-pull"),
  );
  expect(printed.match(written)).toHaveLength(4);
  expect(printed).not.toContain("south is closed to north");
});
