import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { grantsAddedBy, grantsRemovedBy } from "../../../functions/gcp/grants.ts";
import type { IamPolicy } from "../../../functions/gcp/policy/document.ts";
import { withGrants, withoutGrants } from "../../../functions/gcp/policy/grants.ts";
import { access, own } from "./support/access.ts";

const folder = new URL("golden/", import.meta.url);
const read = (file: string) => readFileSync(new URL(file, folder), "utf8");

/** `GOLDEN=write` writes the files anew (then let Biome format them); read the difference. */
function expectGolden(file: string, policy: IamPolicy): void {
  const text = JSON.stringify(policy);
  if (process.env.GOLDEN === "write") writeFileSync(new URL(file, folder), text);
  // The order of members counts, white space does not.
  expect(text).toBe(JSON.stringify(JSON.parse(read(file))));
}

const added = access({
  projectNumbers: ["222222222222", "111111111111"],
  serviceAccountEmails: ["puller@customer-two.iam.gserviceaccount.com", "puller@customer-one.iam.gserviceaccount.com"],
  allowedServiceTypes: ["worker"],
});

test("the first grants of a repository", () =>
  expectGolden("first.json", withGrants({ etag: "ACAB" }, grantsAddedBy(added), own)));

test("grants among what others wrote, and after some were taken away", () => {
  const before = JSON.parse(read("mixed-before.json")) as IamPolicy;
  const after = withGrants(before, grantsAddedBy(added), own);
  expectGolden("mixed-added.json", after);
  const removed = access({
    projectNumbers: ["111111111111"],
    serviceAccountEmails: ["gone@customer-one.iam.gserviceaccount.com", "puller@customer-two.iam.gserviceaccount.com"],
  });
  expectGolden("mixed-removed.json", withoutGrants(after, grantsRemovedBy(removed), own));
});
