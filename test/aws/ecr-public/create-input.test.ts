import * as v from "valibot";
import { describe, expect, test } from "vitest";
import type { RoutableName } from "../../../core/names.ts";
import { ecrPublicBinding } from "../../../functions/aws/binding.ts";
import { createInput } from "../../../functions/aws/ecr-public/repositories.ts";

const minimal = { service: "ecr-public", repositoryPrefix: "images" };
const bind = (more: object) => v.parse(ecrPublicBinding, { ...minimal, ...more });
const inputOf = (more: object) => createInput(bind(more), "images-app" as RoutableName);
const ownTag = { Key: "alien:artifact-registry", Value: "images" };

describe("what is asked for a new repository", () => {
  test("by a bare binding is a name and the ownership tag", () => {
    expect(inputOf({})).toEqual({ repositoryName: "images-app", tags: [ownTag] });
  });

  test("by a full one is all of it, the logo as bytes", () => {
    const logo = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255]);
    const catalogData = {
      description: "an app",
      about: "# About",
      usage: "run it",
      architectures: ["ARM 64", "x86-64"],
      operatingSystems: ["Linux"],
      logo: logo.toString("base64"),
    };
    expect(inputOf({ catalogData, repositoryDefaults: { tags: { team: "a", "cost centre": "" } } })).toEqual({
      repositoryName: "images-app",
      tags: [ownTag, { Key: "team", Value: "a" }, { Key: "cost centre", Value: "" }],
      catalogData: {
        description: "an app",
        aboutText: "# About",
        usageText: "run it",
        architectures: ["ARM 64", "x86-64"],
        operatingSystems: ["Linux"],
        logoImageBlob: logo,
      },
    });
  });

  test("has no field that the binding leaves out, and keeps one that is empty", () => {
    expect(inputOf({ catalogData: { about: "" } }).catalogData).toEqual({ aboutText: "" });
    expect(inputOf({ catalogData: {} }).catalogData).toEqual({});
  });
});

describe("a binding", () => {
  const logoOf = (bytes: number) => ({ catalogData: { logo: Buffer.alloc(bytes).toString("base64") } });
  const role = (arn: string) => ({ pullRoleArn: arn, pushRoleArn: arn });

  test.each([
    ["a prefix of several parts", { repositoryPrefix: "team/images" }],
    ["the longest texts", { catalogData: { description: "x".repeat(1_024), about: "x".repeat(25_600) } }],
    ["the greatest logo", logoOf(512_000)],
    ["fifty badges", { catalogData: { architectures: Array(50).fill("x".repeat(50)) } }],
    ["roles", role("arn:aws:iam::111122223333:role/path/pull")],
  ])("takes %s", (_, more) => {
    expect(v.safeParse(ecrPublicBinding, { ...minimal, ...more }).success).toBe(true);
  });

  test.each([
    ["a doubled separator, which only private names have", { repositoryPrefix: "a__b" }],
    ["a separator at the end", { repositoryPrefix: "images-" }],
    ["capitals", { repositoryPrefix: "Images" }],
    ["one character", { repositoryPrefix: "a" }],
    ["too long a description", { catalogData: { description: "x".repeat(1_025) } }],
    ["too long a usage text", { catalogData: { usage: "x".repeat(25_601) } }],
    ["too great a logo", logoOf(512_001)],
    ["a logo that is no base64", { catalogData: { logo: "<svg/>" } }],
    ["too many badges", { catalogData: { operatingSystems: Array(51).fill("Linux") } }],
    ["an empty badge", { catalogData: { architectures: [""] } }],
    ["a field that the gallery does not have", { catalogData: { aboutText: "x" } }],
    ["what only private repositories have", { repositoryDefaults: { scanOnPush: true } }],
    ["replicas", { replicationRegions: ["eu-west-1"] }],
    ["a role of another partition", role("arn:aws-cn:iam::111122223333:role/pull")],
    ["a user for a role", role("arn:aws:iam::111122223333:user/pull")],
  ])("does not take %s", (_, more) => {
    expect(v.safeParse(ecrPublicBinding, { ...minimal, ...more }).success).toBe(false);
  });
});
