import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { type Principal, repositoryCondition, startAzure } from "../emulators/azure/index.ts";
import { accessToken, exchange } from "../emulators/azure/support.ts";
import { buildImage } from "../oci/client/images.ts";
import { type Account, clients } from "./clients.ts";
import { writeLayout } from "./layout.ts";
import { pythonChecks } from "./python-checks.ts";

const folder = fileURLToPath(new URL("../emulators/azure/python/", import.meta.url));
const REFUSED = /unauthorized|denied|not authorized|authentication required|\b40[13]\b/i;
const NULL_GUID = "00000000-0000-0000-0000-000000000000";

async function start() {
  const azure = await startAzure();
  onTestFinished(() => azure.close());
  await azure.registry("images");
  return { azure, id: azure.registryId("images") };
}

/** The emulator under clients that are not ours and not JavaScript's: Azure's own for Python. */
test("Azure's Python clients find in the emulator what they expect of Azure", async () => {
  const { azure, id } = await start();
  const group = azure.resourceGroup(azure.resourceGroupName);
  await azure.registry("abacimages", { mode: "abac" });
  const abac = azure.registryId("abacimages");
  const roles = { [`/subscriptions/${azure.subscription}`]: ["Owner"] };
  const caller = azure.identity("function", { roles });
  azure.assign(caller, "Container Registry Repository Writer", abac, repositoryCondition("team/app"));
  const [stranger, later] = [azure.identity("stranger"), azure.identity("later")];
  const app = azure.servicePrincipal("pipeline");
  const env = {
    ...azure.environment(caller, stranger, later),
    REQUESTS_CA_BUNDLE: azure.caFile,
    EMULATOR_GROUP: group.split("/").at(-1) ?? "",
    EMULATOR_OTHER_GROUP: azure.resourceGroup("elsewhere").split("/").at(-1) ?? "",
    EMULATOR_AUTHORITY: azure.authorityHost,
    EMULATOR_IMAGES: azure.registryUrl("images", "https"),
    EMULATOR_IMAGES_ID: id,
    EMULATOR_ABAC: azure.registryUrl("abacimages", "https"),
    EMULATOR_STRANGER: stranger.clientId,
    EMULATOR_LATER: later.clientId,
    EMULATOR_LATER_PRINCIPAL: later.principalId,
    EMULATOR_APPLICATION: app.clientId,
    EMULATOR_SECRET: app.secret,
  };
  const checks = await pythonChecks(folder, env);
  expect(checks.filter(({ problem }) => problem !== null)).toEqual([]);
  expect(checks).toHaveLength(9);
});

/** Docker's own protocol, as three other clients speak it, logged in with the null GUID. */
test.each(["skopeo", "crane", "regctl"])("%s pushes and pulls with tokens of the registry", async (name) => {
  const { azure, id } = await start();
  const pusher = azure.identity("pusher", { roles: { [id]: ["AcrPush"] } });
  const puller = azure.identity("puller", { roles: { [id]: ["AcrPull"] } });
  const refresh = async (who: Principal): Promise<Account> => ({
    username: NULL_GUID,
    password: (await exchange(azure, "images", who)).body.refresh_token,
  });
  const access = async (who: Principal, scope: string): Promise<Account> => ({
    username: NULL_GUID,
    password: await accessToken(azure, "images", who, scope),
  });
  const scratch = await mkdtemp(join(tmpdir(), "azure-emulator-e2e-"));
  onTestFinished(() => rm(scratch, { recursive: true, force: true }));
  await writeLayout(join(scratch, "image"), buildImage({ seed: name, layers: [300_000, 10] }), "v1");
  const host = new URL(azure.registryUrl("images")).host;
  const reference = `${host}/team/app:v1`;
  const client = clients(join(scratch, "accounts"), host).find((one) => one.name === name);
  if (client === undefined) throw new Error(`no client ${name}`);
  const pulled = (account: Account) => client.pull(reference, join(scratch, randomUUID()), "v1", account);
  const pushed = (account: Account, to = reference) => client.push(join(scratch, "image"), "v1", to, account);
  const allowed = [
    () => refresh(pusher).then(pushed),
    () => refresh(puller).then(pulled),
    () => access(puller, "repository:team/app:pull").then(pulled),
  ];
  for (const action of allowed) {
    const { ok, output } = await action();
    expect(ok, output).toBe(true);
  }
  // Where everything is there already, some clients push nothing.
  const elsewhere = reference.replace(/v1$/, "v2");
  const refused = [
    pushed(await refresh(puller), elsewhere),
    pushed(await access(pusher, "repository:team/app:pull"), elsewhere),
    pulled(await access(pusher, "repository:team/other:pull")),
    pulled({ username: NULL_GUID, password: "guessed" }),
    pulled(undefined),
  ];
  for (const refusal of refused) {
    const { ok, output } = await refusal;
    expect(ok, output).toBe(false);
    expect(output).toMatch(REFUSED);
  }
});
