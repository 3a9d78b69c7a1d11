import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildImage, buildIndex } from "../oci/client/images.ts";
import { type Account, type Client, clients, type Outcome } from "./clients.ts";
import { digestsIn, digestsOf, writeLayout } from "./layout.ts";
import { type Credentials, type Suite, startSuite } from "./server.ts";

const multiLayer = buildImage({ seed: "multi-layer", layers: [1_000, 3_000_000, 200_000, 7] });
const multiArch = buildIndex({ seed: "multi-arch", layers: [500_000, 40_000] });

let suite: Suite;
let folder: string;
let all: Client[];
beforeAll(async () => {
  suite = await startSuite();
  folder = await mkdtemp(join(tmpdir(), "clients-e2e-"));
  all = clients(join(folder, "accounts"), suite.registry);
  await writeLayout(join(folder, "multi-layer"), multiLayer, "v1");
  await writeLayout(join(folder, "multi-arch"), multiArch, "v1");
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await suite.stop();
});

const REFUSED = /unauthorized|denied|forbidden|authentication required|\b40[13]\b/i;
const refused = (outcome: Outcome) => {
  expect(outcome.ok, outcome.output).toBe(false);
  expect(outcome.output).toMatch(REFUSED);
};
const done = (outcome: Outcome) => expect(outcome.ok, outcome.output).toBe(true);

/** A repository of its own for one test, and one client at work on it. */
async function at(name: string) {
  const client = all.find((one) => one.name === name);
  if (client === undefined) throw new Error(`no client ${name}`);
  const repository = await suite.create(`${name}-${randomUUID().slice(0, 8)}`);
  const reference = (tag: string, id = repository) => `${suite.registry}/${id}:${tag}`;
  return {
    client,
    repository,
    mint: (permissions: "pull" | "push-pull", seconds?: number): Promise<Credentials> =>
      suite.mint(repository, permissions, seconds),
    push: (what: string, account: Account, id?: string) =>
      client.push(join(folder, what), "v1", reference("v1", id), account),
    async pull(account: Account, by: Client = client) {
      const into = join(folder, randomUUID());
      const outcome = await by.pull(reference("v1"), into, "v1", account);
      return { outcome, digests: () => digestsIn(into) };
    },
  };
}

describe.each(["skopeo", "crane", "regctl"])("%s", (name) => {
  test("pushes and pulls an image of several layers", async () => {
    const { push, pull, mint } = await at(name);
    const account = await mint("push-pull");
    done(await push("multi-layer", account));
    const { outcome, digests } = await pull(account);
    done(outcome);
    expect(await digests()).toEqual(digestsOf(multiLayer));
  });

  test("pushes and pulls an image of several platforms", async () => {
    const { push, pull, mint } = await at(name);
    const account = await mint("push-pull");
    done(await push("multi-arch", account));
    const { outcome, digests } = await pull(account);
    done(outcome);
    expect(await digests()).toEqual(digestsOf(multiArch));
  });

  test("pushes the same image again, with nothing to upload", async () => {
    const { push, mint } = await at(name);
    const account = await mint("push-pull");
    done(await push("multi-layer", account));
    done(await push("multi-layer", account));
  });

  test("pushes what every client can pull, with pull credentials", async () => {
    const { push, pull, mint } = await at(name);
    done(await push("multi-arch", await mint("push-pull")));
    const reader = await mint("pull");
    for (const client of all) {
      const { outcome, digests } = await pull(reader, client);
      done(outcome);
      expect(await digests()).toEqual(digestsOf(multiArch));
    }
  });

  test("is refused a push with pull credentials", async () => {
    const { push, pull, mint } = await at(name);
    const reader = await mint("pull");
    refused(await push("multi-layer", reader));
    expect((await pull(reader)).outcome.ok).toBe(false);
  });

  test("is refused another repository, to push and to pull", async () => {
    const mine = await at(name);
    const other = await at(name);
    const theirs = await other.mint("push-pull");
    done(await other.push("multi-layer", theirs));
    const account = await mine.mint("push-pull");
    refused((await other.pull(account)).outcome);
    refused(await other.push("multi-arch", account));
    const { outcome, digests } = await other.pull(theirs);
    done(outcome);
    expect(await digests()).toEqual(digestsOf(multiLayer));
  });

  test("is refused repositories above and below its own", async () => {
    const { repository, push, mint } = await at(name);
    const account = await mint("push-pull");
    refused(await push("multi-layer", account, `${repository}/below`));
    refused(await push("multi-layer", account, repository.split("/")[0] ?? ""));
    refused(await push("multi-layer", account, `${repository}-beside`));
  });

  test("is refused once its credentials have expired", async () => {
    const { push, pull, mint } = await at(name);
    done(await push("multi-layer", await mint("push-pull")));
    const account = await mint("push-pull", 3);
    done((await pull(account)).outcome);
    await sleep(Date.parse(account.expiresAt) - Date.now() + 50);
    refused((await pull(account)).outcome);
    refused(await push("multi-arch", account));
  });

  test("is refused with a password that was tampered with, and with none", async () => {
    const { push, pull, mint } = await at(name);
    const { username, password } = await mint("push-pull");
    done(await push("multi-layer", { username, password }));
    const middle = Math.floor(password.length / 2);
    const changed = password[middle] === "A" ? "B" : "A";
    const tampered = { username, password: password.slice(0, middle) + changed + password.slice(middle + 1) };
    for (const account of [tampered, undefined]) {
      refused(await push("multi-arch", account));
      refused((await pull(account)).outcome);
    }
  });

  test("finds nothing once the repository is deleted", async () => {
    const { repository, push, pull, mint } = await at(name);
    const account = await mint("push-pull");
    done(await push("multi-layer", account));
    const { status } = await suite.call("deleteRepository", { registry: "images", repoId: repository });
    expect(status).toBe(200);
    expect((await pull(account)).outcome.ok).toBe(false);
  });
});
