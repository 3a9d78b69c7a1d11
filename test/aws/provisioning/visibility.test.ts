import { expect, test } from "vitest";
import { useAccount } from "./support/account.ts";
import { callsOf } from "./support/state.ts";

const account = useAccount({ roleDelay: { looks: 1 } });

test("provisioning does not wait until STS knows the roles; whoever mints with them first does", async () => {
  const prefix = account().fresh();
  const provisioning = await account().open(prefix);
  const from = account().emulator.calls.length;
  const { binding } = await provisioning.ok("provisionRegistry", { registry: "images" });
  const made = account().emulator.calls.slice(from);
  expect(made.filter(({ action }) => action === "AssumeRole")).toEqual([]);
  const suite = await account().open(prefix, { binding });
  const calls = await callsOf(account().emulator, () =>
    suite.ok("generateCredentials", { registry: "images", repoId: "app", permissions: "pull" }),
  );
  expect(calls.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
    "AssumeRole AccessDenied",
    "AssumeRole ok",
    "GetAuthorizationToken ok",
  ]);
});
