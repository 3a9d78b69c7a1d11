import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createAcrRegistry } from "../../functions/azure/acr/adapter.ts";
import { startAzure } from "../emulators/azure/index.ts";
import { exchange, token } from "../emulators/azure/support.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/azure.md"), "utf8");
const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading.toLowerCase().replaceAll(" ", "-"));

test("the hint of what Azure has no like of leads to a place in docs/azure.md", async () => {
  const binding = { service: "acr" as const, registryName: "vendorimages", resourceGroupName: "registries" };
  const env = { AZURE_SUBSCRIPTION_ID: "11111111-2222-4333-8444-555555555555" };
  const { capabilities } = createAcrRegistry({ name: "images", binding, derived: false, others: [], env });
  for (const operation of ["addCrossAccountAccess", "removeCrossAccountAccess", "getCrossAccountAccess"] as const) {
    const [, anchor] = /docs\/azure\.md#([\w-]+)/.exec(capabilities.unsupported[operation]?.hint ?? "") ?? [];
    expect(anchors, operation).toContain(anchor);
  }
});

test("the walk's role assignment lets the consumer pull the one repository, and nothing else", async () => {
  const [, condition = ""] = /--condition "([^"]+)"/.exec(page)?.map((text) => text.replaceAll("\\\n", "")) ?? [];
  const azure = await startAzure();
  try {
    await azure.registry("vendorimages", { mode: "abac" });
    const consumer = azure.servicePrincipal("pull-from-vendor");
    const role = "Container Registry Repository Reader";
    azure.assign(consumer, role, azure.registryId("vendorimages"), condition);
    const { body } = await exchange(azure, "vendorimages", consumer);
    const granted = async (scope: string) => {
      const answer = await token(azure, "vendorimages", body.refresh_token, scope);
      const claims = JSON.parse(Buffer.from(answer.body.access_token.split(".")[1] ?? "", "base64url").toString());
      return claims.access.flatMap(({ actions }: { actions: string[] }) => actions);
    };
    expect(await granted("repository:images/my-app:pull,metadata_read,push,delete")).toEqual(["pull", "metadata_read"]);
    for (const other of ["images/my-app2", "images", "images/my-app/x"]) {
      expect(await granted(`repository:${other}:pull,metadata_read`)).toEqual([]);
    }
  } finally {
    await azure.close();
  }
});
