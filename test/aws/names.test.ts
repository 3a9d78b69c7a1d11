import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EcrBinding, EcrPublicBinding } from "../../functions/aws/binding.ts";
import { createEcrRegistry } from "../../functions/aws/ecr/adapter.ts";
import { createEcrPublicRegistry } from "../../functions/aws/ecr-public/adapter.ts";
import { foreignNameTests } from "../support/name-forms.ts";
import { call } from "./ecr-public/registry.ts";

const account = "111122223333";
const context = { name: "images", derived: false, others: [] };
const roleIn = (partition: string) => `arn:${partition}:iam::${account}:role/images-pull`;

function ecr(region: string, binding: Partial<EcrBinding> = {}) {
  const whole: EcrBinding = { service: "ecr", repositoryPrefix: "images", ...binding };
  return createEcrRegistry({ ...context, binding: whole, env: { AWS_REGION: region } });
}

function ecrPublic(binding: Partial<EcrPublicBinding> = {}) {
  const whole: EcrPublicBinding = { service: "ecr-public", repositoryPrefix: "images", ...binding };
  return createEcrPublicRegistry({ ...context, binding: whole, env: { AWS_REGION: "us-east-1" } });
}

const host = `${account}.dkr.ecr.us-east-1.amazonaws.com`;
const arn = `arn:aws:ecr:us-east-1:${account}:repository`;

foreignNameTests("Amazon ECR", ecr("us-east-1", { pullRoleArn: roleIn("aws"), replicationRegions: ["eu-west-1"] }), {
  read: [
    [`${host}/images-my-app`, "images-my-app"],
    [`${host}/images-team/my-app`, "images-team/my-app"],
    [`${host}/images`, "images"],
    [`${host.toUpperCase()}/images-my-app`, "images-my-app"],
    [`${account}.dkr.ecr-fips.us-east-1.amazonaws.com/images-my-app`, "images-my-app"],
    [`${account}.dkr-ecr.us-east-1.on.aws/images-my-app`, "images-my-app"],
    [`${account}.dkr-ecr-fips.us-east-1.on.aws/images-my-app`, "images-my-app"],
    [`${arn}/images-my-app`, "images-my-app"],
    [`${arn}/images-team/my-app`, "images-team/my-app"],
    [`${arn}/images`, "images"],
    // An id means home and all replicas, whichever of them it is read from.
    [`${account}.dkr.ecr.eu-west-1.amazonaws.com/images-my-app`, "images-my-app"],
    [`${account}.dkr-ecr-fips.eu-west-1.on.aws/images-my-app`, "images-my-app"],
    [`arn:aws:ecr:eu-west-1:${account}:repository/images-my-app`, "images-my-app"],
  ],
  refused: [
    host,
    `${host}/my-app`,
    `${host}/imagesmy-app`,
    `${host}:443/images-my-app`,
    `https://${host}/images-my-app`,
    `${account}.dkr.ecr.eu-north-1.amazonaws.com/images-my-app`,
    `arn:aws:ecr:eu-north-1:${account}:repository/images-my-app`,
    `${account}.dkr.ecr.us-east-1.amazonaws.com.cn/images-my-app`,
    `${account}.dkr.ecr.us-east-1.on.aws/images-my-app`,
    "999988887777.dkr.ecr.us-east-1.amazonaws.com/images-my-app",
    "999988887777.dkr-ecr.us-east-1.on.aws/images-my-app",
    "arn:aws:ecr:us-east-1:999988887777:repository/images-my-app",
    `arn:aws-cn:ecr:us-east-1:${account}:repository/images-my-app`,
    `arn:aws:ecr-public::${account}:repository/images-my-app`,
    `${arn}/my-app`,
    `${arn}/`,
    arn,
    `${arn.toUpperCase()}/images-my-app`,
    roleIn("aws"),
  ],
});

foreignNameTests("Amazon ECR Public", ecrPublic({ pushRoleArn: roleIn("aws") }), {
  read: [[`arn:aws:ecr-public::${account}:repository/images-my-app`, "images-my-app"]],
  refused: [
    // Only AWS knows whose alias that is.
    "public.ecr.aws/a1b2c3d4/images-my-app",
    "ecr-public.aws.com/a1b2c3d4/images-my-app",
    "public.ecr.aws/images-my-app",
    `arn:aws:ecr-public::${account}:repository/my-app`,
    "arn:aws:ecr-public::999988887777:repository/images-my-app",
    `${arn}/images-my-app`,
  ],
});

describe("the account and the partition", () => {
  test("of a registry without a bound role are known after a call only: nothing is guessed", () => {
    foreign(() => ecr("us-east-1").resolveId(`${host}/images-my-app`));
    foreign(() => ecr("us-east-1").resolveId(`${arn}/images-my-app`));
    foreign(() => ecrPublic().resolveId(`arn:aws:ecr-public::${account}:repository/images-my-app`));
  });

  test.each([
    ["cn-north-1", "aws-cn", "amazonaws.com.cn", "on.amazonwebservices.com.cn"],
    ["us-gov-west-1", "aws-us-gov", "amazonaws.com", "on.aws"],
    ["eusc-de-east-1", "aws-eusc", "amazonaws.eu", "on.amazonwebservices.eu"],
  ])("in %s have hosts and ARNs of their own", async (region, partition, suffix, dualStack) => {
    const registry = ecr(region, { pushRoleArn: roleIn(partition) });
    const own = `${account}.dkr.ecr.${region}.${suffix}`;
    expect(await registry.registryEndpoint(call())).toBe(`https://${own}`);
    for (const front of [
      own,
      `${account}.dkr.ecr-fips.${region}.${suffix}`,
      `${account}.dkr-ecr.${region}.${dualStack}`,
      `arn:${partition}:ecr:${region}:${account}:repository`,
    ]) {
      expect(registry.resolveId(`${front}/images-my-app`)).toBe("images-my-app");
    }
    foreign(() => registry.resolveId(`${arn}/images-my-app`));
  });
});

/** Every form in which somebody may have a repository's name from AWS, of whichever account and region. */
const anyForm = fc
  .record({
    owner: fc.oneof(fc.constant(account), fc.stringMatching(/^\d{12}$/)),
    region: fc.constantFrom("us-east-1", "eu-west-1", "eu-north-1", "ap-southeast-2"),
    name: fc.constantFrom("images", "images-my-app", "images-team/my-app"),
    form: fc.constantFrom("plain", "fips", "dual stack", "dual stack fips", "arn"),
    upper: fc.boolean(),
  })
  .map(({ owner, region, name, form, upper }) => {
    const hosts: Record<string, string> = {
      plain: `${owner}.dkr.ecr.${region}.amazonaws.com`,
      fips: `${owner}.dkr.ecr-fips.${region}.amazonaws.com`,
      "dual stack": `${owner}.dkr-ecr.${region}.on.aws`,
      "dual stack fips": `${owner}.dkr-ecr-fips.${region}.on.aws`,
    };
    const host = hosts[form];
    const front = host === undefined ? `arn:aws:ecr:${region}:${owner}:repository` : upper ? host.toUpperCase() : host;
    return { owner, region, name, id: `${front}/${name}` };
  });

test("any form of a repository of this registry is its id, and any other is refused by whose it is", () => {
  const registry = ecr("us-east-1", { pullRoleArn: roleIn("aws"), replicationRegions: ["eu-west-1"] });
  fc.assert(
    fc.property(anyForm, ({ owner, region, name, id }) => {
      expect(() => registry.routeName(id)).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
      if (owner === account && ["us-east-1", "eu-west-1"].includes(region)) {
        expect(registry.resolveId(id)).toBe(name);
        return;
      }
      const whose = owner === account ? `in ${region}` : `of the account ${owner}`;
      const message = expect.stringMatching(new RegExp(`names a repository ${whose}`, "i"));
      expect(() => registry.resolveId(id)).toThrow(expect.objectContaining({ code: "INVALID_INPUT", message }));
    }),
    { numRuns: 500 },
  );
});

function foreign(run: () => unknown): void {
  expect(run).toThrow(expect.objectContaining({ code: "INVALID_INPUT", context: { field: "repoId" } }));
}
