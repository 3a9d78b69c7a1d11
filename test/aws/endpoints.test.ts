import { ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import { ECRPUBLICClient, GetAuthorizationTokenCommand as GetPublicToken } from "@aws-sdk/client-ecr-public";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { partition } from "@aws-sdk/core/client";
import { getEndpointFromInstructions } from "@smithy/core/endpoints";
import { describe, expect, test } from "vitest";
import { type CredentialService, endpointOf, partitionOf } from "../../functions/aws/endpoints.ts";
import { endpointSettings } from "../../functions/aws/environment.ts";
import { sdkRegions } from "./support/regions.ts";

/** Where the SDK's own client would send its request, or what it would refuse. */
async function sdkEndpoint(service: CredentialService, region: string, settings: object): Promise<string> {
  const config = { region, ignoreConfiguredEndpointUrls: true, ...settings };
  const resolve = {
    sts: () => getEndpointFromInstructions({}, AssumeRoleCommand, new STSClient(config).config),
    ecr: () => getEndpointFromInstructions({}, GetAuthorizationTokenCommand, new ECRClient(config).config),
    "ecr-public": () => getEndpointFromInstructions({}, GetPublicToken, new ECRPUBLICClient(config).config),
  };
  return (await resolve[service]()).url.origin;
}

const services = ["sts", "ecr", "ecr-public"] as const;
const flags = [false, true];
const made = ["xx-nowhere-9", "us-newpart-1", "cn-south-7", "us-gov-central-3", "eusc-de-west-1"];

test("the SDK's table has regions of every partition", () => {
  expect(new Set(sdkRegions.map((region) => partition(region).name)).size).toBeGreaterThanOrEqual(8);
});

describe("as the SDK has it for every region, and for regions that nobody knows yet", () => {
  test("partitions", () => {
    for (const region of [...sdkRegions, ...made]) {
      const { name, dnsSuffix, dualStackDnsSuffix } = partition(region);
      expect({ region, ...partitionOf(region) }).toEqual({ region, name, dnsSuffix, dualStackDnsSuffix });
    }
  });

  test.each(services)("endpoints of %s, with FIPS and dual stack and without", async (service) => {
    for (const region of [...sdkRegions, ...made]) {
      for (const useFips of flags) {
        for (const useDualStack of flags) {
          const theirs = await sdkEndpoint(service, region, {
            useFipsEndpoint: useFips,
            useDualstackEndpoint: useDualStack,
          });
          expect(endpointOf(service, region, { useFips, useDualStack }), `${region} ${useFips} ${useDualStack}`).toBe(
            theirs,
          );
        }
      }
    }
  });
});

describe("an endpoint of one's own", () => {
  const own = "http://127.0.0.1:4566";

  test("is the SDK's variable, of the service before that of all", () => {
    const env = { AWS_ENDPOINT_URL: own, AWS_ENDPOINT_URL_ECR_PUBLIC: "http://127.0.0.1:1" };
    expect(endpointSettings("ECR", env).endpoint).toBe(own);
    expect(endpointSettings("STS", env).endpoint).toBe(own);
    expect(endpointSettings("ECR_PUBLIC", env).endpoint).toBe("http://127.0.0.1:1");
    expect(endpointSettings("ECR", { ...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" }).endpoint).toBeUndefined();
  });

  test.each(["useFips", "useDualStack"] as const)("is refused with %s, as the SDK refuses it", async (flag) => {
    const option = { useFips: "useFipsEndpoint", useDualStack: "useDualstackEndpoint" }[flag];
    await expect(sdkEndpoint("ecr", "eu-west-1", { endpoint: own, [option]: true })).rejects.toThrow(/custom endpoint/);
    const settings = { endpoint: own, useFips: false, useDualStack: false, [flag]: true };
    expect(() => endpointOf("ecr", "eu-west-1", settings)).toThrow(
      expect.objectContaining({ code: "BINDING_CONFIG_INVALID" }),
    );
  });
});
