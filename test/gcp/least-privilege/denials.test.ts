import { describe, expect, test } from "vitest";
import { api, artifactRegistry, as, refused } from "../../emulators/gcp/support.ts";
import type { GcpDoor } from "../../infra/support/gcp-roles.ts";
import { type DoorFunction, functions, images, location, registries, startDoor } from "./support/function.ts";

const repositoryIn = (project: string, id: string) => `projects/${project}/locations/${location}/repositories/${id}`;
const imagesRepository = repositoryIn(images, "acme-images");
const parentOf = (repository: string) => `//artifactregistry.googleapis.com/${repository}`;
const denied = { code: 7 };

/** What somebody who has taken over a function could send under its account. */
async function taken(door: GcpDoor, attempt: (hands: Hands) => Promise<void>): Promise<void> {
  const running = await startDoor(door);
  try {
    const options = as(running.gcp.token(running.account));
    await attempt({
      ...running,
      client: artifactRegistry(running.gcp),
      options,
      post: async (path, body) =>
        (await api(running.gcp, running.gcp.token(running.account), "POST", path, body)).status,
    });
  } finally {
    await running.stop();
  }
}

interface Hands extends DoorFunction {
  readonly client: ReturnType<typeof artifactRegistry>;
  readonly options: ReturnType<typeof as>;
  /** The status of a request to IAM, IAM Credentials or Resource Manager. */
  post(path: string, body: object): Promise<number>;
}

const token = (email: string) => `/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
const scope = { scope: ["https://www.googleapis.com/auth/cloud-platform"] };
const accountOf = (project: string, id: string) => `${id}@${project}.iam.gserviceaccount.com`;

/** Adds one binding to a repository's policy, as somebody who may do so would. */
async function give(
  { client, options, account }: Pick<Hands, "client" | "options" | "account">,
  resource: string,
  role: string,
): Promise<void> {
  const [policy] = await client.getIamPolicy({ resource, options: { requestedPolicyVersion: 3 } }, options);
  const bindings = [...(policy.bindings ?? []), { role, members: [`serviceAccount:${account}`] }];
  await client.setIamPolicy({ resource, policy: { ...policy, version: 3, bindings } }, options);
}

/** What an owner of the project sends. */
const owner = ({ gcp }: Hands) => ({ options: as(gcp.admin()) });

describe.each(["platform", "events"] as const)("the account behind the %s door, which edits grants", (door) => {
  // No condition of Google's keeps it from this: docs/security.md tells what does.
  test("may give any role on the registries that it edits, to itself too, and on no others", async () => {
    await taken(door, async (hands) => {
      for (const resource of [imagesRepository, repositoryIn(registries, "acme-builds")]) {
        for (const role of ["roles/artifactregistry.admin", "roles/artifactregistry.reader"]) {
          await give(hands, resource, role);
        }
      }
      const elsewhere = [
        hands.gcp.repository("other", { project: images }),
        hands.gcp.repository("untagged", { project: registries }),
        hands.gcp.repository("acme-functions", { project: functions }),
      ];
      for (const resource of elsewhere) {
        const role = "roles/artifactregistry.reader";
        expect(await refused(give(hands, resource, role))).toMatchObject(denied);
        await expect(give({ ...hands, ...owner(hands) }, resource, role)).resolves.toBeUndefined();
      }
    });
  });
});

test("the account behind a door whose rules let nobody edit grants may not write the policy", async () => {
  const running = await startDoor("platform", ({ concern }) => concern === "grants");
  try {
    const hands = {
      ...running,
      client: artifactRegistry(running.gcp),
      options: as(running.gcp.token(running.account)),
    };
    for (const resource of [imagesRepository, repositoryIn(registries, "acme-builds")]) {
      expect(await refused(give(hands, resource, "roles/artifactregistry.reader"))).toMatchObject(denied);
    }
  } finally {
    await running.stop();
  }
});

describe.each(["platform", "events"] as const)("the account behind the %s door may not", (door) => {
  test("make or remove repositories, nor look at others of the project of a registry that is bound", async () => {
    await taken(door, async ({ client, options, gcp }) => {
      const other = gcp.repository("other", { project: images });
      expect(await refused(client.getRepository({ name: other }, options))).toMatchObject(denied);
      expect(await refused(client.deleteRepository({ name: imagesRepository }, options))).toMatchObject(denied);
      const parent = `projects/${images}/locations/${location}`;
      const create = { parent, repositoryId: "more", repository: { format: "DOCKER" as const } };
      expect(await refused(client.createRepository(create, options))).toMatchObject(denied);
    });
  });

  test("become any other account, nor read or write the policies of accounts", async () => {
    await taken(door, async ({ post, gcp, email }) => {
      const another = gcp.serviceAccount("somebody", { project: images });
      expect(await post(token(another), scope)).toBe(403);
      const account = `/v1/projects/${images}/serviceAccounts/${email("pull")}`;
      expect(await post(`${account}:getIamPolicy`, {})).toBe(403);
      expect(await post(`${account}:setIamPolicy`, { policy: { bindings: [] } })).toBe(403);
    });
  });
});

test("the platform door's account makes access tokens of its registries' accounts, and no identity tokens", async () => {
  await taken("platform", async ({ post, email }) => {
    expect(await post(token(email("pull")), scope)).toBe(200);
    const identity = token(email("pull")).replace("AccessToken", "IdToken");
    expect(await post(identity, { audience: "anybody" })).toBe(403);
  });
});

test("the platform door's account sees of a registry without the tag only whose it is, and changes nothing", async () => {
  await taken("platform", async ({ gcp, client, options }) => {
    const name = gcp.repository("untagged", { project: registries });
    await client.getRepository({ name }, options);
    expect(await refused(client.getIamPolicy({ resource: name }, options))).toMatchObject(denied);
    expect(await refused(client.deletePackage({ name: `${name}/packages/app` }, options))).toMatchObject(denied);
  });
});

test("the events door's account neither mints nor deletes", async () => {
  await taken("events", async ({ post, email, client, options }) => {
    for (const kind of ["pull", "push"] as const) expect(await post(token(email(kind)), scope)).toBe(403);
    const name = `${imagesRepository}/packages/app`;
    expect(await refused(client.deletePackage({ name }, options))).toMatchObject(denied);
  });
});

describe("the provision door's account", () => {
  test("mints for no account, its own or those that it made", async () => {
    await taken("provision", async ({ suite, post, email, account }) => {
      await suite.ok("provisionRegistry", { registry: "builds" });
      for (const each of [email("push"), account, accountOf(registries, "acme-builds-push")]) {
        expect(await post(token(each), scope)).toBe(403);
      }
    });
  });

  test("reaches nothing in the functions' project, nor a registry that is elsewhere", async () => {
    await taken("provision", async ({ gcp, post, account, client, options, env }) => {
      const own = `/v1/projects/${functions}/serviceAccounts/${account}`;
      expect(await post(`${own}:setIamPolicy`, { policy: { bindings: [] } })).toBe(403);
      // The tag does not open what is elsewhere.
      expect(
        await post("/v3/tagBindings", { parent: parentOf(imagesRepository), tagValue: env.ALIEN_REGISTRY_TAG ?? "" }),
      ).toBe(403);
      const sources = gcp.repository("acme-functions", { project: functions });
      for (const resource of [sources, imagesRepository]) {
        expect(await refused(client.getIamPolicy({ resource }, options))).toMatchObject(denied);
      }
    });
  });

  test("attaches no tag but that of its registries", async () => {
    await taken("provision", async ({ gcp, post, env }) => {
      const parent = parentOf(gcp.repository("acme-more", { project: registries }));
      expect(await post("/v3/tagBindings", { parent, tagValue: gcp.tag("env", "prod", registries).valueId })).toBe(403);
      expect(await post("/v3/tagBindings", { parent, tagValue: env.ALIEN_REGISTRY_TAG ?? "" })).toBe(200);
    });
  });

  test("gives the right to mint on accounts, and no other", async () => {
    await taken("provision", async ({ gcp, post, account }) => {
      const email = gcp.serviceAccount("somebody", { project: registries });
      const give = (role: string) =>
        post(`/v1/projects/${registries}/serviceAccounts/${email}:setIamPolicy`, {
          policy: { version: 3, bindings: [{ role, members: [`serviceAccount:${account}`] }] },
        });
      expect(await give("roles/iam.serviceAccountAdmin")).toBe(403);
      expect(await give("roles/owner")).toBe(403);
      // Which is enough to become any account of that project: nothing else may be there.
      expect(await give("roles/iam.serviceAccountTokenCreator")).toBe(200);
      expect(await post(token(email), scope)).toBe(200);
    });
  });
});
