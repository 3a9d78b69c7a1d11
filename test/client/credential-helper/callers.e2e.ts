import { describe, expect, it } from "vitest";
import type { AuthOptions } from "../../../client/binding.ts";
import { folder } from "./support/configure.ts";
import { awsForms, sessionForms } from "./support/forms/aws.ts";
import { azureForms } from "./support/forms/azure.ts";
import { gcpForms } from "./support/forms/gcp.ts";
import { githubForms, tokenForms } from "./support/forms/tokens.ts";
import { type Form, machine, useCompiled } from "./support/machine.ts";

useCompiled();

/** By form of authentication: the compiler wants each that a binding may name. */
const forms: Readonly<Record<AuthOptions["type"], readonly Form[]>> = {
  token: tokenForms,
  github: githubForms,
  aws: awsForms,
  gcp: gcpForms,
  azure: azureForms,
};

/** Runs of both callers on one machine: one comes again after the other. */
const order = ["alice", "bob", "alice"] as const;

async function runAll({ binding, prepare, sameEnvironment, process }: Form) {
  const place = await folder();
  const become = await prepare(place);
  const here = await machine(typeof binding === "function" ? binding(place) : binding, { process });
  const [passwords, environments] = [[] as string[], [] as object[]];
  for (const who of order) {
    const env = await become(who);
    environments.push(env);
    passwords.push(await here.get(env));
  }
  if (sameEnvironment) expect(environments[1]).toEqual(environments[0]);
  return { passwords, here };
}

describe.each(Object.entries(forms))("two callers of one machine, by auth %s", (_type, each) => {
  it.each(each)(
    "get their own credentials, and get these again: $title",
    async (form) => {
      const { passwords } = await runAll(form);
      expect(passwords).toEqual(["minted-1", "minted-2", "minted-1"]);
    },
    120_000,
  );
});

it.each(sessionForms)(
  "nothing is kept where each run is somebody new: $title",
  async (form) => {
    const { passwords, here } = await runAll(form);
    expect(passwords).toEqual(order.map((_who, index) => `minted-${index + 1}`));
    expect(await here.store.items()).toEqual({});
  },
  120_000,
);
