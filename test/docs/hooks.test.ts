import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import config from "../../vitest.config.ts";
import { filesOf, root } from "./pages.ts";

/**
 * Test files share processes, and a module is run once in each. A hook that it registers by itself would count for the first file
 * alone that imports it.
 */
test("no module but those that are set up before every file registers hooks when it is loaded", async () => {
  const setUp = [config.test?.setupFiles ?? []].flat();
  const shared = (await filesOf("test/**/*.ts")).filter(
    (file) => /(?<!\.(?:test|e2e|long|zot|kube))\.ts$/.test(file) && !setUp.includes(file),
  );
  expect(shared.length).toBeGreaterThan(100);
  const hook = /^(?:export )?(?:const [^=]+ = )?(?:(?:before|after)(?:All|Each)|use[A-Z]\w*)\(/m;
  expect(shared.filter((file) => hook.test(readFileSync(join(root, file), "utf8")))).toEqual([]);
});
