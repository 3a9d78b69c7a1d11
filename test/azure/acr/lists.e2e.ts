import { expect, test } from "vitest";
import { platform } from "../../../functions/azure/index.ts";
import { noteManifest } from "../../emulators/azure/acr/catalogue.ts";
import { churned } from "../../support/churn.ts";
import { containerRegistry, useStack } from "../support/registry.ts";

const stack = useStack({ sku: "Standard" });

test("a list that is read while 8 processes create and delete has what stays, each once", async () => {
  const env = { ...stack().env(), ALIEN_IMAGES_BINDING: stack().binding("images") };
  const stays = Array.from({ length: 100 }, (_, n) => `images/stays-${String(n).padStart(3, "0")}`);
  for (const name of stays) {
    const image = { digest: `sha256:${"4".repeat(64)}`, tag: "1.0", mediaType: "", size: 1 };
    noteManifest(containerRegistry(stack()), name, new Date(), image);
  }
  // Created ones have only their scope map, so that both halves of the list change.
  const read = await churned({ platform, name: "azure", env, pageSize: 25 });
  for (const names of read) expect(names.filter((name) => !name.includes("churn"))).toEqual(stays);
});
