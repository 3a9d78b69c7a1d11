import { afterEach, expect, test } from "vitest";
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
