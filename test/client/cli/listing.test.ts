import { describe, expect, it } from "vitest";
import { cutOff, everyPage } from "../../../client/cli/listing.ts";
import type { Connection } from "../../../client/connection.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";

const grantee = "aws:123456789012";

/** A registry with a grant in each repository, three on a page. It may be stopped, and somebody may grant again. */
function registryWith(names: readonly string[], { again = [] as string[], stopAt = Number.POSITIVE_INFINITY } = {}) {
  const granted = new Set(names);
  const tokens: (string | undefined)[] = [];
  const told: { activity: string; goOn?: string }[] = [];
  const call = async (_operation: string, { pageToken }: { pageToken?: string }) => {
    if (tokens.length === stopAt) throw new ArtifactRegistryError("TIMEOUT", "Stopped.", { retryable: true });
    tokens.push(pageToken);
    const from = Number(pageToken ?? 0);
    const page = names.slice(from, from + 3);
    const changed = page.filter((name) => granted.delete(name));
    const name = from + 3 >= names.length ? again.shift() : undefined;
    if (name !== undefined) granted.add(name);
    return { changed, ...(from + 3 < names.length && { nextPageToken: String(from + 3) }) };
  };
  const connection = { registry: "images", call } as unknown as Connection;
  const context = {
    env: {},
    signal: new AbortController().signal,
    tell: (now: (typeof told)[number]) => told.push(now),
  };
  const run = (pageToken?: string) => cutOff(connection, { grantee, pageToken }, context);
  return { granted, tokens, told, run };
}

describe("cut-off", () => {
  const names = ["a", "b", "c", "d", "e", "f", "g"];

  it("goes through all pages, and once more until nothing is changed", async () => {
    const { run, granted, tokens } = registryWith(names);
    expect(await run()).toEqual({ changed: names });
    expect(granted.size).toBe(0);
    expect(tokens).toEqual([undefined, "3", "6", undefined, "3", "6"]);
  });

  it("ends what was granted meanwhile as well", async () => {
    const { run, granted } = registryWith(names, { again: ["a", "b"] });
    expect(await run()).toEqual({ changed: names });
    expect(granted.size).toBe(0);
  });

  it("gives up where somebody grants without an end", async () => {
    const { run } = registryWith(names, { again: Array<string>(100).fill("a") });
    await expect(run()).rejects.toMatchObject({ code: "RESOURCE_CONFLICT" });
  });

  it("tells how to go on where it stopped, and goes on from there, and then from the beginning", async () => {
    const stopped = registryWith(names, { stopAt: 2 });
    await expect(stopped.run()).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(stopped.told.at(-1)).toEqual({
      activity: "Ended the access to 6 repositories",
      goOn: "alien-registry cut-off aws:123456789012 --registry images --page-token 6",
    });
    const { run, tokens } = registryWith(names);
    await run("6");
    expect(tokens.slice(0, 2)).toEqual(["6", undefined]);
  });
});

it("a list is read to its end, from where it is told", async () => {
  const read = async ({ pageToken = "0" }: { pageToken?: string | undefined }) => ({
    images: [Number(pageToken)],
    ...(pageToken !== "3" && { nextPageToken: String(Number(pageToken) + 1) }),
  });
  expect(await everyPage(read, "images", {})).toEqual({ images: [0, 1, 2, 3] });
  expect(await everyPage(read, "images", { pageToken: "2" })).toEqual({ images: [2, 3] });
});
