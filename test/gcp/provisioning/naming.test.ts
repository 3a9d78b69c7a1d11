import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isServiceAccount } from "../../../functions/gcp/binding.ts";
import { accountEmail, derivedRepositoryId } from "../../../functions/gcp/names.ts";
import { hasOwnershipMark, ownershipMark } from "../../../functions/gcp/provisioning/accounts.ts";

const repositories = fc.stringMatching(/^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
const kinds = fc.constantFrom("pull", "push");
const place = (repository: string, project = "vendor-project") => ({ project, location: "europe-west1", repository });
const idOf = (email: string) => email.split("@")[0] ?? "";

describe("the address of an account", () => {
  test("is one that IAM takes, whatever the repository", () => {
    fc.assert(
      fc.property(repositories, kinds, (repository, kind) => {
        const email = accountEmail(place(repository), kind);
        expect(idOf(email)).toMatch(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/);
        expect(isServiceAccount(email)).toBe(true);
      }),
    );
  });

  test("is no other registry's, nor that of the other kind", () => {
    fc.assert(
      fc.property(fc.uniqueArray(repositories, { minLength: 2, maxLength: 20 }), (ids) => {
        // What looks like a shortened name is shortened too.
        const shortened = ids.map((id) => idOf(accountEmail(place(id), "pull")).replace(/-pull$/, ""));
        const all = [...new Set([...ids, ...shortened])];
        const emails = all.flatMap((id) => [accountEmail(place(id), "pull"), accountEmail(place(id), "push")]);
        expect(new Set(emails).size).toBe(emails.length);
      }),
    );
  });

  test.each([
    ["images", "images-pull"],
    ["a", "a-pull"],
    ["a-name-of-twenty-five-char", /^a-na-[a-z2-7]{20}-pull$/],
    ["a-name-of-twenty-five-cha", "a-name-of-twenty-five-cha-pull"],
    ["abcd-aaaaaaaaaaaaaaaaaaaa", /^abcd-(?!a{20})[a-z2-7]{20}-pull$/],
  ])("of %s is %s", (repository, id) => {
    expect(idOf(accountEmail(place(repository), "pull"))).toMatch(id instanceof RegExp ? id : new RegExp(`^${id}$`));
  });

  test("in a domain-scoped project has the domain behind the project's name", () => {
    const email = accountEmail(place("images", "example.com:vendor"), "push");
    expect(email).toBe("images-push@vendor.example.com.iam.gserviceaccount.com");
    expect(isServiceAccount(email)).toBe(true);
  });
});

describe("the repository of a derived registry", () => {
  const names = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
  const stacks = fc.stringMatching(/^[a-z][a-z0-9]{0,30}$/);

  test("is one that Artifact Registry takes, and no other registry's of the stack", () => {
    fc.assert(
      fc.property(stacks, fc.uniqueArray(names, { minLength: 2, maxLength: 10 }), (stack, all) => {
        const ids = all.map((name) => derivedRepositoryId(stack, name));
        for (const id of ids) expect(id).toMatch(/^[a-z][a-z0-9-]{0,61}[a-z0-9]$/);
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });

  test.each([
    ["images", "acme-images"],
    ["my-images", "acme-my-images"],
    ["my_images", /^acme-my-images-[a-z2-7]{20}$/],
    ["Images", /^acme-images-[a-z2-7]{20}$/],
  ])("of %s is %s", (name, id) => {
    expect(derivedRepositoryId("acme", name)).toMatch(id instanceof RegExp ? id : new RegExp(`^${id}$`));
  });
});

describe("the mark of an account", () => {
  test("is a word of its own, for one repository in one location", () => {
    const mine = place("images");
    expect(hasOwnershipMark(`Pulls. ${ownershipMark(mine)}`, mine)).toBe(true);
    expect(hasOwnershipMark(`${ownershipMark(mine)} is ours`, mine)).toBe(true);
    for (const other of [place("images2"), place("image"), { ...mine, location: "europe-west10" }]) {
      expect(hasOwnershipMark(`Pulls. ${ownershipMark(other)}`, mine)).toBe(false);
    }
    expect(hasOwnershipMark("", mine)).toBe(false);
    expect(hasOwnershipMark(`not-${ownershipMark(mine)}`, mine)).toBe(false);
  });
});
