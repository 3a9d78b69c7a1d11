import { expect, it } from "vitest";
import { startAws } from "./clouds/aws.ts";
import { startAzure } from "./clouds/azure.ts";
import { type Cloud, follow } from "./clouds/follow.ts";
import { startGcp } from "./clouds/gcp.ts";
import { startCluster } from "./clouds/kubernetes.ts";
import { type Page, readPages } from "./pages.ts";

/** The clouds' own commands are stood in for; jq, curl, skopeo, the core, the adapters and the credentials are real. */
const self = "test/docs/clouds.e2e.ts";
const clouds: [string, () => Promise<Cloud>, string[]][] = [
  [
    "infra/aws/README.md",
    startAws,
    ["aws lambda invoke", "aws ecr get-login-password", "aws lambda create-function", "aws events put-events"],
  ],
  [
    "infra/gcp/README.md",
    () => startGcp(),
    ["gcloud auth print-identity-token", "gcloud run deploy", "gcloud pubsub topics", "gcloud pubsub subscriptions"],
  ],
  ["infra/azure/README.md", startAzure, ["az rest --method", "az account get-access-token"]],
  ["infra/kubernetes/README.md", startCluster, ["kubectl create namespace", "helm upgrade --install", "kubectl -n ci"]],
];

async function read(path: string): Promise<Page> {
  const page = (await readPages()).find((each) => each.path === path);
  if (!page) throw new Error(`There is no ${path}.`);
  return page;
}

it.each(clouds)("%s leads from nothing to a pulled image", async (path, start, commands) => {
  const cloud = await start();
  try {
    const { printed, called } = await follow(await read(path), self, cloud);
    expect(called).toEqual(expect.arrayContaining(commands));
    expect(printed).not.toContain('"code"');
    // There, and back.
    expect(printed.match(/Writing manifest to image destination|Deployed sha256:/g)).toHaveLength(2);
  } finally {
    await cloud.stop();
  }
});

/** The others let nobody in across accounts. */
const granting = clouds.filter(([path]) => /aws|gcp/.test(path));

it.each(granting)("%s leads no consumer there without the grant", async (path, start) => {
  const page = await read(path);
  // One command, whose operation stands before its payload or in it.
  const grants = /^(?:call|post) (?:[^'\n]*addCrossAccountAccess '[^']*'|[^'\n]*'[^']*addCrossAccountAccess[^']*')$/m;
  const without = (text: string) => text.replace(grants, "");
  const blocks = page.blocks.map((block) => ({ ...block, text: without(block.text) }));
  expect(blocks).not.toEqual(page.blocks);
  const cloud = await start();
  try {
    await expect(follow({ ...page, blocks }, self, cloud)).rejects.toThrow(/denied|403/i);
  } finally {
    await cloud.stop();
  }
});

it("infra/gcp/README.md: whoever deploys must be let in too, not the project's service agent alone", async () => {
  const path = "infra/gcp/README.md";
  const page = await read(path);
  const deployer = '"deploy@acme-customer.iam.gserviceaccount.com"';
  const blocks = page.blocks.map((block) => ({ ...block, text: block.text.replace(deployer, "") }));
  expect(blocks).not.toEqual(page.blocks);
  const cloud = await startGcp();
  try {
    await expect(follow({ ...page, blocks }, self, cloud)).rejects.toThrow(/denied|403/i);
  } finally {
    await cloud.stop();
  }
});
