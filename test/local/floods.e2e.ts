import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { floodLocal, localFloods } from "../bench/floods/local.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
beforeAll(() => {
  execFileSync(process.execPath, ["scripts/build.ts", "local"], { cwd: root, stdio: "inherit" });
});

test.each(["manifests", "uploads"] as const)(
  "unfinished %s leave the local server below 250 MiB, and everybody else's pushes go on",
  async (kind) => {
    const { peak, outcomes } = await floodLocal(root, localFloods[kind]());
    expect(peak).toBeLessThan(250);
    expect(Object.keys(outcomes)).toEqual(["201"]);
  },
);
