import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { casesFor, repositoriesOf } from "../cases/index.ts";
import { judge, type Outcome } from "../judge/case.ts";
import { openRegistry } from "../judge/registry.ts";
import { freshNamespace, startOurs } from "../targets.ts";
import { MUTATIONS } from "./mutations.ts";
import { type Mutation, startProxy } from "./proxy.ts";

let ours: Awaited<ReturnType<typeof startOurs>>;
beforeAll(async () => {
  ours = await startOurs();
});
afterAll(() => ours.stop());

/** What the judge says of our registry with one thing broken, by the groups that have to notice. */
async function judged(mutation: Mutation): Promise<Outcome[]> {
  const proxy = await startProxy(ours.target.url, mutation);
  const namespace = freshNamespace();
  const credentials = { username: "token", password: ours.password(repositoriesOf(namespace)) };
  try {
    const registry = openRegistry({ url: proxy.url, namespace, auth: "token", credentials });
    const groups = casesFor(registry).filter(({ name }) => name.startsWith(mutation.caughtBy));
    const outcomes = await judge(registry, groups);
    // A proxy that stumbles would make cases fail as well, and prove nothing.
    expect(proxy.stumbles).toEqual([]);
    return outcomes;
  } finally {
    await proxy.stop();
  }
}

const failures = (outcomes: readonly Outcome[]) => outcomes.filter(({ failure }) => failure !== undefined);

describe("the conformance judge", () => {
  it("finds nothing where nothing is broken", async () => {
    const outcomes = await judged({ name: "nothing", caughtBy: "" });
    expect(outcomes.length).toBeGreaterThan(400);
    expect(failures(outcomes)).toEqual([]);
  });

  it.each(MUTATIONS)("notices when $name", async (mutation) => {
    const outcomes = await judged(mutation);
    // A scenario that cannot be played fails all its cases: at least one has to notice by what it looks at itself.
    const noticed = failures(outcomes).filter(({ failure }) => !failure?.startsWith("the scenario failed"));
    expect(noticed.length).toBeGreaterThan(0);
  });
});
