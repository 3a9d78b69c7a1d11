import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { createClient, pushImage } from "../../oci/client/index.ts";
import { startGcpEmulator } from "../emulators/gcp/index.ts";
import { buildImage } from "../oci/client/images.ts";
import { type Account, clients } from "./clients.ts";
import { writeLayout } from "./layout.ts";
import { pythonChecks } from "./python-checks.ts";

const folder = fileURLToPath(new URL("../emulators/gcp/python/", import.meta.url));
const REFUSED = /unauthorized|denied|not authorized|authentication required|\b40[13]\b/i;
const HOME = "vendor-project";

/** An emulator with a repository, an account that may pull, one that may push, and one that may neither. */
async function start() {
  const gcp = await startGcpEmulator({ projects: { [HOME]: "111122223333" }, locations: ["europe-west1"] });
  onTestFinished(() => gcp.stop());
  const repository = gcp.repository("images");
  const account = (id: string, ...roles: string[]) => gcp.serviceAccount(id, { roles: { [repository]: roles } });
  const pull = account("pull-images", "roles/artifactregistry.reader");
  const push = account("push-images", "roles/artifactregistry.writer");
  return { gcp, pull, push, stranger: account("stranger") };
}

/** The emulator under a client that is not ours and not JavaScript's: Google's own for Python, and google-auth. */
test("Google's Python client finds in the emulator what it expects of Google Cloud", async () => {
  const { gcp, pull, push, stranger } = await start();
  const creator = ["roles/iam.serviceAccountTokenCreator"];
  const roles = { [HOME]: ["roles/artifactregistry.admin"], [pull]: creator, [stranger]: creator };
  const caller = gcp.serviceAccount("function", { roles });
  const credentials = { username: "oauth2accesstoken", password: gcp.token(push) };
  const registry = createClient({ url: gcp.registryUrl(), credentials });
  for (const path of ["team", "team/app"]) {
    await pushImage(registry, `${HOME}/images/${path}`, "v1", buildImage({ seed: path }));
  }
  const env = {
    ...(await gcp.environment(caller)),
    EMULATOR_HOME: HOME,
    EMULATOR_CALLER: caller,
    EMULATOR_PULL: pull,
    EMULATOR_STRANGER: stranger,
    EMULATOR_PUSHED: `${gcp.registryUrl()}/v2/${HOME}/images/team/app/manifests/v1`,
  };
  const checks = await pythonChecks(folder, env);
  expect(checks.filter(({ problem }) => problem !== null)).toEqual([]);
  expect(checks).toHaveLength(11);
});

/** Docker's own protocol, as three other clients speak it, against the port that stands for Artifact Registry. */
test.each(["skopeo", "crane", "regctl"])("%s pushes and pulls with an access token", async (name) => {
  const { gcp, pull, push, stranger } = await start();
  const scratch = await mkdtemp(join(tmpdir(), "gcp-emulator-e2e-"));
  onTestFinished(() => rm(scratch, { recursive: true, force: true }));
  await writeLayout(join(scratch, "image"), buildImage({ seed: name, layers: [300_000, 10] }), "v1");
  const host = new URL(gcp.registryUrl()).host;
  const reference = `${host}/${HOME}/images/team/app:v1`;
  const client = clients(join(scratch, "accounts"), host).find((one) => one.name === name);
  if (client === undefined) throw new Error(`no client ${name}`);
  const as = (email: string) => ({ username: "oauth2accesstoken", password: gcp.token(email) });
  const pulled = (account: Account) => client.pull(reference, join(scratch, randomUUID()), "v1", account);
  const pushed = (account: Account, to = reference) => client.push(join(scratch, "image"), "v1", to, account);
  const taken = await pushed(as(push));
  expect(taken.ok, taken.output).toBe(true);
  const given = await pulled(as(pull));
  expect(given.ok, given.output).toBe(true);
  const guessed = { username: "oauth2accesstoken", password: "guessed" };
  // Where everything is there already, some clients push nothing.
  const elsewhere = reference.replace(/v1$/, "v2");
  for (const refused of [
    () => pushed(as(pull), elsewhere),
    () => pulled(as(stranger)),
    () => pulled(undefined),
    () => pulled(guessed),
  ]) {
    const { ok, output } = await refused();
    expect(ok, output).toBe(false);
    expect(output).toMatch(REFUSED);
  }
});
