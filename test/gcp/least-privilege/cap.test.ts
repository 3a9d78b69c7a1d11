import { describe, expect, test } from "vitest";
import { createClient, pushImage } from "../../../oci/client/index.ts";
import { artifactRegistry, as, refused } from "../../emulators/gcp/support.ts";
import { denyPolicy } from "../../infra/support/gcp-deny-policy.ts";
import { doorRoles, type GcpDoor } from "../../infra/support/gcp-roles.ts";
import { buildImage } from "../../oci/client/images.ts";
import { type DoorFunction, functions, images, location, registries, rightsOf, startDoor } from "./support/function.ts";
import { work } from "./support/work.ts";

// docs/security.md shows the policy: it must keep a function that was taken over from what it could give itself.
const resource = `projects/${images}/locations/${location}/repositories/acme-images`;
const principal = (door: string) =>
  `principal://iam.googleapis.com/projects/-/serviceAccounts/acme-${door}@${functions}.iam.gserviceaccount.com`;
const grantsDoors = (Object.keys(doorRoles) as GcpDoor[]).filter((door) =>
  doorRoles[door].repository.includes("grants"),
);

async function capped(door: GcpDoor, run: (running: DoorFunction) => Promise<void>): Promise<void> {
  const running = await startDoor(door);
  try {
    for (const project of [images, registries]) running.gcp.deny(project, denyPolicy());
    await run(running);
  } finally {
    await running.stop();
  }
}

/** Gives a role on the repository to somebody. */
async function give({ gcp, account }: DoorFunction, role: string, email: string): Promise<void> {
  const client = artifactRegistry(gcp);
  const options = as(gcp.token(account));
  const [policy] = await client.getIamPolicy({ resource }, options);
  const bindings = [...(policy.bindings ?? []), { role, members: [`serviceAccount:${email}`] }];
  await client.setIamPolicy({ resource, policy: { ...policy, bindings } }, options);
}

describe("under the deny policy of docs/security.md", () => {
  test.each(["platform", "events", "provision"] as const)("the %s door does all that it does", async (door) => {
    await capped(door, (running) => work(door, running));
  });

  test.each(["platform", "events"] as const)(
    "the account of the %s door makes itself no administrator",
    async (door) => {
      await capped(door, async (running) => {
        const { gcp, account } = running;
        await give(running, "roles/artifactregistry.admin", account);
        const credentials = { username: "oauth2accesstoken", password: gcp.token(account) };
        const client = createClient({ url: gcp.registryUrl(), credentials });
        const push = pushImage(client, `${images}/acme-images/app`, "1.0", buildImage({ seed: "taken" }));
        await expect(push).rejects.toMatchObject({ status: 403 });
        const remove = artifactRegistry(gcp).deleteRepository({ name: resource }, as(gcp.token(account)));
        expect(await refused(remove)).toMatchObject({ code: 7 });
      });
    },
  );

  test("whom it gives the right to write the policy cannot use it", async () => {
    await capped("platform", async (running) => {
      const { gcp } = running;
      const other = gcp.serviceAccount("somebody-else", { project: "customer-project" });
      await give(running, "roles/artifactregistry.admin", other);
      const write = artifactRegistry(gcp).setIamPolicy({ resource, policy: { bindings: [] } }, as(gcp.token(other)));
      expect(await refused(write)).toMatchObject({ code: 7 });
    });
  });

  // What only an organisation's policy prevents, as the page says.
  test("others can still be given a role that pushes", async () => {
    await capped("platform", async (running) => {
      const { gcp } = running;
      const other = gcp.serviceAccount("somebody-else", { project: "customer-project" });
      await give(running, "roles/artifactregistry.writer", other);
      const credentials = { username: "oauth2accesstoken", password: gcp.token(other) };
      await pushImage(
        createClient({ url: gcp.registryUrl(), credentials }),
        `${images}/acme-images/app`,
        "1.0",
        buildImage({ seed: "given" }),
      );
    });
  });

  test("every door that edits grants is capped, and only those that write policies are let through", () => {
    const [own, writing] = denyPolicy().rules.map(({ denyRule }) => denyRule);
    expect([...(own?.deniedPrincipals ?? [])].sort()).toEqual(grantsDoors.map(principal).sort());
    const through = [...grantsDoors, "provision"].map(principal).sort();
    expect(writing?.exceptionPrincipals?.filter((each) => each.includes("/serviceAccounts/")).sort()).toEqual(through);
    const needed = grantsDoors.flatMap((door) => rightsOf(door)).map(({ permission }) => permission);
    const denied = own?.deniedPermissions.map((each) => each.replace(".googleapis.com/", ".")) ?? [];
    expect(needed.filter((permission) => denied.includes(permission))).toEqual([]);
  });
});
