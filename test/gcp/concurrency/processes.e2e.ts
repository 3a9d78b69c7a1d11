import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { GarBinding } from "../../../functions/gcp/binding.ts";
import { access, crossAccountOf, emails, newCall, openRegistry, useStack } from "../support/registry.ts";
import type { Change, Orders } from "./worker.ts";

const stack = useStack();
const processes = 8;
const edits = 50;

/** Adds ten accounts, takes some away, adds some again: each process speaks of accounts of its own. */
function changesOf(accounts: readonly string[]): Change[] {
  return Array.from({ length: edits }, (_, i) => {
    const account = accounts[(i * 7) % accounts.length] ?? "";
    return { does: i % 3 === 2 ? "remove" : "add", access: emails(account) };
  });
}

function leftBy(changes: readonly Change[]): string[] {
  const left = new Set<string>();
  for (const { does, access: value } of changes) {
    for (const email of value.serviceAccountEmails) {
      if (does === "add") left.add(email);
      else left.delete(email);
    }
  }
  return [...left];
}

test("8 processes, 400 adds and removes at once: what holds is exactly what was acknowledged", async () => {
  const { gcp, repository } = stack();
  const binding = JSON.parse(stack().binding("images")) as GarBinding;
  const before = gcp.policy(repository("images")).bindings;
  const crowd = Array.from({ length: processes }, (_, p) =>
    changesOf(Array.from({ length: 10 }, (_, i) => gcp.serviceAccount(`p${p}-a${i}-puller`))),
  );
  const run = promisify(execFile);
  const script = join(import.meta.dirname, "worker.ts");
  const env = { ...process.env, ...stack().env() };
  const acknowledged = await Promise.all(
    crowd.map(async (changes) => {
      const orders: Orders = { binding, changes };
      const { stdout } = await run(process.execPath, [script, JSON.stringify(orders)], { env });
      return stdout.trim().split("\n").length;
    }),
  );
  expect(acknowledged).toEqual(crowd.map(() => edits));

  const registry = openRegistry(stack());
  const { access: held } = await crossAccountOf(registry).get(registry.resolveId("my-app"), newCall());
  expect(held).toEqual(access({ serviceAccountEmails: crowd.flatMap(leftBy).sort() }));
  // Without conflicts nothing would have been tried.
  expect(
    gcp.calls.filter(({ action, outcome }) => action === "SetIamPolicy" && outcome === "ABORTED").length,
  ).toBeGreaterThan(0);
  const others = ({ role }: { role: string }) => role !== "roles/artifactregistry.reader";
  expect(gcp.policy(repository("images")).bindings.filter(others)).toEqual(before.filter(others));
});
