import { describe, expect, test } from "vitest";
import { ownershipLabel } from "../../../functions/gcp/gar/own-repository.ts";
import { ownershipMark } from "../../../functions/gcp/provisioning/accounts.ts";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { useProject } from "./support/project.ts";
import { actionsOf, callsOf, isRead, stateOf } from "./support/state.ts";

const project = useProject();
const reader = "roles/artifactregistry.reader";
const writer = "roles/artifactregistry.writer";
const tokenCreator = "roles/iam.serviceAccountTokenCreator";
const input = { registry: "images" };
const member = (email: string) => `serviceAccount:${email}`;

describe("from nothing", () => {
  test("the binding, a repository, two accounts and what they may do", async () => {
    const id = project().fresh();
    const suite = await project().open(id);
    const { binding } = await suite.ok("provisionRegistry", input);
    const [pull, push] = [project().email(`${id}-pull`), project().email(`${id}-push`)];
    expect(binding).toEqual({
      ...project().binding(id),
      pullServiceAccountEmail: pull,
      pushServiceAccountEmail: push,
    });
    expect(project().repository(id)).toMatchObject({ format: "DOCKER", labels: { [ownershipLabel]: id } });
    expect(project().gcp.policy(project().name(id)).bindings).toEqual([
      { role: reader, members: [member(pull)] },
      { role: writer, members: [member(push)] },
    ]);
    for (const kind of ["pull", "push"]) {
      const account = project().account(`${id}-${kind}`);
      expect(account?.description).toContain(ownershipMark(project().place(id)));
      expect(account?.policy.bindings).toEqual([
        { role: tokenCreator, members: [member(project().stack.functionAccount)] },
      ]);
    }
  });

  test("the binding is usable at once: its credentials push and pull a real image, and no more", async () => {
    const id = project().fresh();
    const { binding } = await (await project().open(id)).ok("provisionRegistry", input);
    const suite = await project().open(id, { binding });
    const { name } = await suite.ok("createRepository", { ...input, name: "team/app" });
    const client = async (permissions: string) => {
      const { username, password } = await suite.ok("generateCredentials", { ...input, repoId: name, permissions });
      return createClient({ url: project().gcp.registryUrl(), credentials: { username, password } });
    };
    const image = buildImage({ seed: id });
    const pull = await client("pull");
    await expect(pushImage(pull, name, "1.0", image)).rejects.toMatchObject({ status: 403 });
    await pushImage(await client("push-pull"), name, "1.0", image);
    expect(await pullImage(pull, name, "1.0")).toEqual(image);
  });

  test("the functions that mint, where they are listed, and not the one that provisions", async () => {
    const id = project().fresh();
    const minting = ["api", "worker"].map((name) => project().gcp.serviceAccount(`mints-${name}`));
    const env = { ALIEN_FUNCTION_SERVICE_ACCOUNTS: ` ${minting.join(" , ")},` };
    await (await project().open(id, { env })).ok("provisionRegistry", input);
    for (const kind of ["pull", "push"]) {
      expect(project().members(project().email(`${id}-${kind}`), tokenCreator)).toEqual(minting.map(member));
    }
  });

  test("an id that leaves no room for the kind of its accounts carries a hash there", async () => {
    const id = project().fresh("a-very-long-name-of-a-registry-");
    const { binding } = await (await project().open(id)).ok("provisionRegistry", input);
    const { pullServiceAccountEmail: pull, pushServiceAccountEmail: push } = binding;
    expect(pull).toMatch(/^a-ve-[a-z2-7]{20}-pull@/);
    expect(`${push}`.replace("-push@", "-pull@")).toBe(pull);
  });
});

describe("the calls", () => {
  const create = ["iam:GetServiceAccount", "iam:GetServiceAccount"];
  const mint = ["iam:GetIamPolicy", "iam:SetIamPolicy"];

  test("from nothing, and again: then nothing is written", async () => {
    const id = project().fresh();
    const suite = await project().open(id);
    const first = await callsOf(project().gcp, () => suite.ok("provisionRegistry", input));
    expect(actionsOf(first).filter((call) => !call.endsWith(":GetOperation"))).toEqual([
      "artifactregistry:GetRepository",
      ...create,
      "artifactregistry:ListRepositories",
      "artifactregistry:CreateRepository",
      "iam:CreateServiceAccount",
      "iam:CreateServiceAccount",
      // Each until three looks in a row find it.
      ...[...create, ...create, ...create],
      "artifactregistry:GetIamPolicy",
      "artifactregistry:SetIamPolicy",
      ...mint,
      ...mint,
    ]);
    const before = stateOf(project());
    const again = await callsOf(project().gcp, () => suite.ok("provisionRegistry", input));
    expect(actionsOf(again)).toEqual([
      "artifactregistry:GetRepository",
      ...create,
      "artifactregistry:GetIamPolicy",
      "iam:GetIamPolicy",
      "iam:GetIamPolicy",
    ]);
    expect(stateOf(project())).toEqual(before);
  });

  test("no region is as good as none", async () => {
    const suite = await project().open(project().fresh());
    await suite.ok("provisionRegistry", { ...input, replicationRegions: [] });
  });

  test.each([
    ["replicationRegions", ["eu-west-1"], "multi-region"],
    ["backfill", true, "Leave it out"],
  ])("%s are refused before anything is asked", async (field, value, hint) => {
    const suite = await project().open(project().fresh());
    const calls = await callsOf(project().gcp, async () => {
      const { body } = await suite.refused("provisionRegistry", { ...input, [field]: value });
      expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field } });
      expect(body.hint).toContain(hint);
    });
    expect(calls).toEqual([]);
  });
});

describe("what exists", () => {
  const foreign = [
    { role: "roles/artifactregistry.admin", members: ["user:owner@example.com"] },
    {
      role: reader,
      members: ["user:visitor@example.com"],
      condition: {
        title: "production",
        description: "",
        expression: "resource.matchTag('acme/env', 'prod')",
        location: "",
      },
    },
    { role: reader, members: ["serviceAccount:someone@elsewhere.iam.gserviceaccount.com", "group:all@example.com"] },
  ];
  const audit = [{ service: "allServices", auditLogConfigs: [{ logType: "DATA_READ" }] }];

  test("a repository with our label and accounts with our mark are adopted, and nobody loses anything", async () => {
    const id = project().fresh();
    const name = project().seedOwn(id);
    const pull = project().seedAccount(`${id}-pull`, id);
    project().gcp.world.directory.add("someone@elsewhere.iam.gserviceaccount.com", project().stack.project);
    project().gcp.setPolicy(name, foreign, audit);
    const mints = { role: tokenCreator, members: ["user:operator@example.com"] };
    project().gcp.setPolicy(pull, [mints, { role: "roles/iam.serviceAccountUser", members: ["user:x@example.com"] }]);
    const before = project().account(`${id}-pull`)?.uniqueId;
    await (await project().open(id)).ok("provisionRegistry", input);
    expect(project().account(`${id}-pull`)?.uniqueId).toBe(before);
    const [admin, visitor, readers] = foreign;
    expect(project().gcp.policy(name).bindings).toEqual([
      admin,
      visitor,
      { ...readers, members: [...(readers?.members ?? []), member(pull)] },
      { role: writer, members: [member(project().email(`${id}-push`))] },
    ]);
    expect(project().gcp.policy(name).auditConfigs).toEqual(audit);
    expect(project().gcp.policy(pull).bindings).toEqual([
      { ...mints, members: [...mints.members, member(project().stack.functionAccount)] },
      { role: "roles/iam.serviceAccountUser", members: ["user:x@example.com"] },
    ]);
  });

  test("accounts that may do more than they should lose it, and nobody else does", async () => {
    const id = project().fresh();
    const suite = await project().open(id);
    await suite.ok("provisionRegistry", input);
    const name = project().name(id);
    const wanted = project().gcp.policy(name).bindings;
    const [pull, push] = [member(project().email(`${id}-pull`)), member(project().email(`${id}-push`))];
    const tagged = { title: "tagged", expression: "resource.matchTag('acme/env', 'prod')" };
    project().gcp.setPolicy(name, [
      { role: "roles/artifactregistry.repoAdmin", members: [push] },
      { role: "roles/artifactregistry.admin", members: ["user:owner@example.com", push] },
      { role: writer, members: [pull, push] },
      { role: writer, members: [push], condition: tagged },
      { role: reader, members: [push] },
    ]);
    await suite.ok("provisionRegistry", input);
    expect(project().gcp.policy(name).bindings).toEqual([
      { role: "roles/artifactregistry.admin", members: ["user:owner@example.com"] },
      { role: writer, members: [push] },
      { role: reader, members: [pull] },
    ]);
    expect(wanted).toHaveLength(2);
  });

  test.each(["pull", "push"])("a %s account that was deleted is made again, with its rights", async (kind) => {
    const id = project().fresh();
    const suite = await project().open(id);
    await suite.ok("provisionRegistry", input);
    const before = project().gcp.policy(project().name(id)).bindings;
    project().gcp.deleteServiceAccount(project().email(`${id}-${kind}`));
    expect(JSON.stringify(project().gcp.policy(project().name(id)))).toContain("deleted:");
    await suite.ok("provisionRegistry", input);
    const after = project().gcp.policy(project().name(id)).bindings;
    expect(JSON.stringify(after)).not.toContain("deleted:");
    expect([...after].sort((a, b) => (a.role < b.role ? -1 : 1))).toEqual(before);
    const calls = await callsOf(project().gcp, () => suite.ok("provisionRegistry", input));
    expect(calls.filter((call) => !isRead(call))).toEqual([]);
  });

  test("a function that was deleted and made again may mint again", async () => {
    const id = project().fresh();
    const minting = project().gcp.serviceAccount(project().fresh("mints"));
    const suite = await project().open(id, { env: { ALIEN_FUNCTION_SERVICE_ACCOUNTS: minting } });
    await suite.ok("provisionRegistry", input);
    project().gcp.deleteServiceAccount(minting);
    project().gcp.serviceAccount(minting.split("@")[0] ?? "");
    await suite.ok("provisionRegistry", input);
    expect(project().members(project().email(`${id}-pull`), tokenCreator)).toEqual([member(minting)]);
  });

  test("grants survive", async () => {
    const id = project().fresh();
    const { binding } = await (await project().open(id)).ok("provisionRegistry", input);
    const suite = await project().open(id, { binding });
    const access = {
      type: "gcp",
      projectNumbers: ["444455556666"],
      serviceAccountEmails: [],
      allowedServiceTypes: ["worker"],
    };
    await suite.ok("addCrossAccountAccess", { ...input, repoId: "app", access });
    const before = stateOf(project());
    await suite.ok("provisionRegistry", input);
    expect(stateOf(project())).toEqual(before);
    expect(await suite.ok("getCrossAccountAccess", { ...input, repoId: "app" })).toMatchObject({ access });
  });
});
