import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platform } from "../../../functions/gcp/index.ts";
import { createClient, pushImage } from "../../../oci/client/index.ts";
import { type Suite, startSuite } from "../../contract/harness.ts";
import type { CallRecord } from "../../emulators/gcp/index.ts";
import { permissionsOn } from "../../infra/support/gcp-roles.ts";
import { buildImage } from "../../oci/client/images.ts";
import { type GcpStack, startStack } from "../support/stack.ts";
import { isControl } from "./support/state.ts";

const input = { registry: "images" };
const access = {
  type: "gcp",
  projectNumbers: ["444455556666"],
  serviceAccountEmails: [],
  allowedServiceTypes: ["worker"],
};

/** Everything that the doors for callers do. */
const runtime = async (suite: Suite, { gcp }: GcpStack) => {
  const { name } = await suite.ok("createRepository", { ...input, name: "app" });
  const onApp = { ...input, repoId: name };
  await suite.ok("addCrossAccountAccess", { ...onApp, access });
  await suite.ok("getCrossAccountAccess", onApp);
  await suite.ok("removeCrossAccountAccess", { ...onApp, access });
  await suite.ok("generateCredentials", { ...onApp, permissions: "pull" });
  await suite.ok("describeRegistry", input);
  await suite.ok("listRepositories", input);
  const credentials = { username: "oauth2accesstoken", password: gcp.admin() };
  const client = createClient({ url: gcp.registryUrl(), credentials });
  const image = buildImage({ seed: "app" });
  // So many tags that a version does not name them all.
  for (let tag = 0; tag < 101; tag++) await pushImage(client, name, `${tag}.0`, image);
  const { images } = await suite.ok("listImages", onApp);
  const references = ["1.0", ...images.map(({ digest }) => digest)];
  for (const reference of references) await suite.ok("deleteImage", { ...onApp, reference });
  await suite.ok("deleteRepository", onApp);
};
const events = (suite: Suite) => suite.ok("setupRepository", { ...input, name: "app", access: [access] });
const provisioning = async (suite: Suite) => {
  await suite.ok("provisionRegistry", input);
  await suite.ok("describeRegistry", input);
  await suite.ok("deprovisionRegistry", input);
};

/** What infra/gcp gives a door for registries that are derived. */
const permissionsOf = {
  platform: permissionsOn("platform", "derived", "tagged", "account"),
  events: permissionsOn("events", "derived", "tagged", "account"),
  provision: permissionsOn("provision", "project", "derived", "tag"),
};
/** The permissions of the provision door that are asked on the project itself: for what does not exist yet. */
const onProject = [
  "artifactregistry.repositories.create",
  "artifactregistry.repositories.list",
  "iam.serviceAccounts.create",
];

interface Running {
  readonly stack: GcpStack;
  readonly suite: Suite;
  stop(): Promise<void>;
}

/** A derived registry, and a function with exactly these permissions in its project. */
async function start(permissions: readonly string[], provisioned: boolean): Promise<Running> {
  const stack = await startStack({ repositories: [] });
  const function_ = stack.functionAccount;
  const { valueId: ALIEN_REGISTRY_TAG } = stack.gcp.tag("acme-registries", "provisioned");
  const variables = { GOOGLE_CLOUD_LOCATION: stack.location, ALIEN_STACK_PREFIX: "acme", ALIEN_REGISTRY_TAG };
  const env = { ...stack.env(), ...variables };
  const grant = (role: string) => stack.gcp.serviceAccount("function", { roles: { [stack.project]: [role] } });
  stack.useInThisProcess();
  if (provisioned) {
    // By another function, which lets this one mint for nobody yet.
    const roles = { [stack.project]: [stack.gcp.role("provisioner", permissionsOf.provision)] };
    const GCE_METADATA_HOST = await stack.gcp.metadata(stack.gcp.serviceAccount("provisioner", { roles }));
    const its = { ...env, GCE_METADATA_HOST, ALIEN_FUNCTION_SERVICE_ACCOUNTS: function_ };
    const other = await startSuite(platform, its, ["images"]);
    await other.ok("provisionRegistry", input);
    await other.stop();
    for (const kind of ["pull", "push"]) {
      stack.gcp.setPolicy(`acme-images-${kind}@${stack.project}.iam.gserviceaccount.com`, []);
    }
  }
  grant(stack.gcp.role("exactly", permissions));
  const door = provisioned ? "platform" : "provision";
  const suite = await startSuite(platform, { ...env, ALIEN_DOOR: door }, ["images"]);
  stack.gcp.calls.length = 0;
  return {
    stack,
    suite,
    async stop() {
      await suite.stop();
      await stack.stop();
    },
  };
}

describe.each([
  ["platform", runtime],
  ["events", events],
  ["provision", provisioning],
] as const)("what the %s door's account may do", (door, work) => {
  const permissions = permissionsOf[door];
  let running: Running | undefined;
  let asked: readonly { readonly permission: string; readonly resource: string; readonly allowed: boolean }[] = [];

  beforeAll(async () => {
    running = await start(permissions, door !== "provision");
    await work(running.suite, running.stack);
    const mine = (call: CallRecord) => isControl(call) || call.service === "iamcredentials";
    asked = running.stack.gcp.calls.filter(mine).flatMap(({ authorizations }) => authorizations);
  });
  afterAll(() => running?.stop());

  test("is enough for everything that it does", () => {
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.filter(({ allowed }) => !allowed)).toEqual([]);
  });

  test("is nothing that it does not ask for", () => {
    expect([...new Set(asked.map(({ permission }) => permission))].sort()).toEqual(permissions);
  });

  test("is bound on what it is asked on", () => {
    const about = (pattern: RegExp) =>
      [...new Set(asked.filter(({ resource }) => pattern.test(resource)).map(({ permission }) => permission))].sort();
    const isProvision = door === "provision";
    // What does not exist before it is provisioned can be opened on its project only.
    const below = (service: string) =>
      permissions.filter((permission) => permission.startsWith(service) && !onProject.includes(permission));
    const derived = isProvision ? below("artifactregistry.") : permissionsOn(door, "derived", "tagged");
    expect(about(/\/repositories\//)).toEqual(derived);
    expect(about(/^tagValues\//)).toEqual(isProvision ? permissionsOn(door, "tag") : []);
    expect(about(/\/serviceAccounts\//)).toEqual(isProvision ? below("iam.") : permissionsOn(door, "account"));
    expect(about(/^projects\/[^/]+(?:\/locations\/[^/]+)?$/)).toEqual(isProvision ? onProject : []);
  });
});

describe("without one of them", () => {
  test.each(permissionsOf.provision)("%s, it is said who lacks what, and with it all is finished", async (lacking) => {
    const running = await start(
      permissionsOf.provision.filter((permission) => permission !== lacking),
      false,
    );
    try {
      const { gcp } = running.stack;
      const problems: { code: string; retryable: boolean; hint?: string | undefined }[] = [];
      for (const operation of ["provisionRegistry", "deprovisionRegistry"] as const) {
        try {
          await running.suite.ok(operation, input);
        } catch {
          problems.push((await running.suite.refused(operation, input)).body);
        }
      }
      expect(problems.length).toBeGreaterThan(0);
      for (const problem of problems) {
        expect(problem).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
        expect(problem.hint).toContain(`${lacking} on `);
        const [, after = ""] = problem.hint?.split(`${lacking} on `) ?? [];
        const role = /^[^(]+\((roles\/[A-Za-z.]+)\)/.exec(after)?.[1] ?? "";
        expect([role, gcp.world.roles.allows(role, lacking)]).toEqual([role, true]);
      }
      gcp.world.roles.define(`projects/${running.stack.project}/roles/exactly`, permissionsOf.provision);
      await provisioning(running.suite);
      expect(gcp.world.repositories.size).toBe(0);
    } finally {
      await running.stop();
    }
  });
});
