import { afterEach, describe, expect, test } from "vitest";
import type { Call } from "../../../core/call.ts";
import type { GarBinding } from "../../../functions/gcp/binding.ts";
import { createGarRegistry } from "../../../functions/gcp/gar/adapter.ts";
import { newCall } from "../support/registry.ts";
import { useProject } from "./support/project.ts";
import { callsOf } from "./support/state.ts";

const hour = 3_600_000;
/** Policies may name an account only when the emulator's clock has moved. */
const project = useProject({ accountDelayMs: hour });

afterEach(() => project().gcp.faults.clear());

/** Lets IAM know of the accounts when the repository's policy is written for the nth time. */
function knownAtLast(nth: number): void {
  let written = 0;
  project().gcp.faults.before = ({ service, action }) => {
    if (service === "artifactregistry" && action === "SetIamPolicy" && ++written === nth) project().gcp.advance(hour);
  };
}

test("accounts that IAM does not know at once are waited for", async () => {
  const id = project().fresh();
  const suite = await project().open(id);
  knownAtLast(3);
  const calls = await callsOf(project().gcp, () => suite.ok("provisionRegistry", { registry: "images" }));
  const outcomes = calls.filter(({ service, action }) => service === "artifactregistry" && action === "SetIamPolicy");
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(["INVALID_ARGUMENT", "INVALID_ARGUMENT", "ok"]);
  const writer = project().members(project().name(id), "roles/artifactregistry.writer");
  expect(writer).toEqual([`serviceAccount:${project().email(`${id}-push`)}`]);
});

test("longer than the operation has time: retryable, and the same call again finishes it", async () => {
  const id = project().fresh();
  const binding = project().binding(id) as GarBinding;
  const env = project().stack.env();
  const { provisioning } = createGarRegistry({ name: "images", binding, derived: false, others: [], env });
  // From the first refusal on, the operation has no more time: when it has heard of it, and waits.
  const out = new AbortController();
  let refused = false;
  project().gcp.faults.after = ({ outcome }) => {
    if (outcome === "INVALID_ARGUMENT") refused = true;
  };
  const patient = newCall();
  const upstream: Call["upstream"] = async (...request) => {
    try {
      return await patient.upstream(...request);
    } finally {
      if (refused) setImmediate(() => out.abort());
    }
  };
  const call = { ...patient, upstream, signal: out.signal };
  await expect(provisioning?.provision({}, call)).rejects.toMatchObject({
    code: "SERVICE_UNAVAILABLE",
    retryable: true,
    hint: expect.stringContaining("same call again"),
  });
  project().gcp.faults.clear();
  knownAtLast(1);
  await provisioning?.provision({}, newCall());
  expect(project().members(project().name(id), "roles/artifactregistry.reader")).toHaveLength(1);
});

describe("an account that was made in this call", () => {
  afterEach(() => {
    project().gcp.behaviour.newAccounts = () => "seen";
  });
  const input = { registry: "images" };
  const looksAt = (email: string) =>
    project()
      .gcp.calls.filter(({ action, resource }) => action === "GetServiceAccount" && resource?.endsWith(email))
      .map(({ outcome }) => outcome);

  test("is waited for until three looks in a row find it: 404 and 403 are both not yet", async () => {
    const id = project().fresh();
    const email = project().email(`${id}-pull`);
    const sights = ["missing", "denied", "seen", "seen", "missing", "seen", "denied"] as const;
    project().gcp.behaviour.newAccounts = (look) => (look.email === email && sights[look.nth - 1]) || "seen";
    knownAtLast(1);
    await (await project().open(id)).ok("provisionRegistry", input);
    // The first look is from before it was made.
    expect(looksAt(email)).toEqual([
      ...["NOT_FOUND", "NOT_FOUND", "PERMISSION_DENIED", "ok", "ok", "NOT_FOUND", "ok", "PERMISSION_DENIED"],
      ...["ok", "ok", "ok"],
    ]);
    expect(project().members(email, "roles/iam.serviceAccountTokenCreator")).toHaveLength(1);
  });

  test.each(["GetIamPolicy", "SetIamPolicy"])("may still be denied or gone at the first %s", async (action) => {
    const id = project().fresh();
    const met: string[] = [];
    project().gcp.behaviour.newAccounts = (look) => {
      if (look.action !== action || met.length === 2) return "seen";
      const sight = met.length === 0 ? "denied" : "missing";
      met.push(sight);
      return sight;
    };
    knownAtLast(1);
    await (await project().open(id)).ok("provisionRegistry", input);
    expect(met).toEqual(["denied", "missing"]);
    for (const kind of ["pull", "push"]) {
      const creators = project().members(project().email(`${id}-${kind}`), "roles/iam.serviceAccountTokenCreator");
      expect(creators).toHaveLength(1);
    }
  });

  test.each(["missing", "denied"] as const)("is %s when the time is over: retryable, with the cause", async (sight) => {
    const id = project().fresh();
    project().gcp.behaviour.newAccounts = () => sight;
    const env = project().stack.env();
    const binding = project().binding(id) as GarBinding;
    const { provisioning } = createGarRegistry({ name: "images", binding, derived: false, others: [], env });
    const out = new AbortController();
    let looks = 0;
    project().gcp.faults.after = ({ action }) => {
      if (action === "GetServiceAccount" && ++looks === 5) setImmediate(() => out.abort());
    };
    await expect(provisioning?.provision({}, { ...newCall(), signal: out.signal })).rejects.toMatchObject({
      code: "SERVICE_UNAVAILABLE",
      retryable: true,
      hint: expect.stringMatching(/minutes.*same call again/),
    });
    project().gcp.faults.clear();
    project().gcp.behaviour.newAccounts = () => "seen";
    knownAtLast(1);
    await provisioning?.provision({}, newCall());
    expect(project().members(project().name(id), "roles/artifactregistry.reader")).toHaveLength(1);
  });

  test("whose policy stays denied ends retryable, and names the permission; the next call is a refusal", async () => {
    const id = project().fresh();
    project().gcp.behaviour.newAccounts = ({ action }) => (action === "SetIamPolicy" ? "denied" : "seen");
    knownAtLast(1);
    const suite = await project().open(id);
    const first = (await suite.refused("provisionRegistry", input)).body;
    expect(first).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryable: true });
    expect(first.hint).toMatch(/minutes.*iam\.serviceAccounts\.setIamPolicy/);
    const second = (await suite.refused("provisionRegistry", input)).body;
    expect(second).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
    expect(second.hint).toMatch(/iam\.serviceAccounts\.setIamPolicy.*minutes/);
  });
});

describe("credentials of a registry that was provisioned a moment ago", () => {
  const provisioned = async () => {
    const id = project().fresh();
    const release = project().gcp.holdRights();
    knownAtLast(1);
    const { binding } = await (await project().open(id)).ok("provisionRegistry", { registry: "images" });
    // The tests above have moved the emulator's clock.
    Object.assign(project().repository(id) ?? {}, { createTime: new Date() });
    return { id, release, suite: await project().open(id, { binding }) };
  };
  const mint = { registry: "images", repoId: "app", permissions: "pull" };

  test("cannot be had yet: retryable, with how long it may take", async () => {
    const { suite, release } = await provisioned();
    const { body } = await suite.refused("generateCredentials", mint);
    expect(body).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryable: true });
    expect(body.hint).toMatch(/minutes.*tokenCreator/i);
    release();
    await suite.ok("generateCredentials", mint);
  });

  test("of one that was made long ago are refused for good, and the hint still names the time that a right takes", async () => {
    const { id, suite, release } = await provisioned();
    Object.assign(project().repository(id) ?? {}, { createTime: new Date(Date.now() - hour) });
    const { body } = await suite.refused("generateCredentials", mint);
    expect(body).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
    expect(body.hint).toMatch(/tokenCreator.*minutes/i);
    release();
  });
});
