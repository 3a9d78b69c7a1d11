import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { registryUrl } from "../../functions/azure/acr/http.ts";
import { acrBinding } from "../../functions/azure/binding.ts";
import { resourceManager, subscriptionId } from "../../functions/azure/place.ts";
import { errorOf } from "../support/inputs.ts";

const least = { service: "acr", registryName: "vendor", resourceGroupName: "registries" };

describe("the binding", () => {
  test.each([
    [{}],
    [{ loginServer: "vendor.azurecr.io" }],
    [{ loginServer: "vendor-a1b2.azurecr.cn", repositoryPrefix: "images/prod" }],
    [{ repositoryPrefix: "" }],
    [{ resourceGroupName: "Rg_(1).x-y" }],
  ])("%o is taken", (more) => expect(v.is(acrBinding, { ...least, ...more })).toBe(true));

  test("hosts are the same in upper and lower case", () => {
    const { loginServer } = v.parse(acrBinding, { ...least, loginServer: "Vendor.AzureCR.io" });
    expect(loginServer).toBe("vendor.azurecr.io");
  });

  test.each([
    [{ registryName: "four" }],
    [{ registryName: "vendor.azurecr.io" }],
    [{ registryName: "vendor/other" }],
    [{ registryName: undefined }],
    [{ resourceGroupName: "" }],
    [{ resourceGroupName: "ends-with." }],
    [{ resourceGroupName: "a/../b" }],
    [{ resourceGroupName: "x".repeat(91) }],
    [{ loginServer: "https://vendor.azurecr.io" }],
    [{ loginServer: "vendor.azurecr.io/path" }],
    [{ loginServer: "user@vendor.azurecr.io" }],
    [{ loginServer: "vendor" }],
    [{ repositoryPrefix: "Images" }],
    [{ repositoryPrefix: "images/" }],
    [{ repositoryPrefix: "../images" }],
    [{ subscription: "x" }],
  ])("%o is refused", (more) => expect(v.is(acrBinding, { ...least, ...more })).toBe(false));
});

describe("the place", () => {
  test.each([
    ["vendor.azurecr.io", "https://management.azure.com"],
    ["vendor.azurecr.cn", "https://management.chinacloudapi.cn"],
    ["vendor.azurecr.us", "https://management.usgovcloudapi.net"],
    [undefined, "https://management.azure.com"],
  ])("the login server %s tells the cloud", (loginServer, url) => {
    expect(resourceManager(loginServer, {})).toEqual({ url, scope: `${url}/.default` });
  });

  test("an emulator's address changes no audience", () => {
    expect(resourceManager("vendor.azurecr.us", { ALIEN_ARM_ENDPOINT: "https://127.0.0.1:8443/" })).toEqual({
      url: "https://127.0.0.1:8443",
      scope: "https://management.usgovcloudapi.net/.default",
    });
    expect(registryUrl("vendor.azurecr.io", { ALIEN_ACR_ENDPOINT: "http://127.0.0.1:8080/" })).toBe(
      "http://127.0.0.1:8080",
    );
    expect(registryUrl("vendor.azurecr.io", {})).toBe("https://vendor.azurecr.io");
  });

  const subscription = "11111111-2222-3333-4444-555555555555";
  test.each([
    [{ AZURE_SUBSCRIPTION_ID: subscription }],
    [{ WEBSITE_OWNER_NAME: `${subscription}+registries-WestEuropewebspace-Linux` }],
    [{ AZURE_SUBSCRIPTION_ID: subscription, WEBSITE_OWNER_NAME: "other+webspace" }],
  ])("the subscription is told by %o", (env) => expect(subscriptionId(env)).toBe(subscription));

  test.each([[{}], [{ AZURE_SUBSCRIPTION_ID: "my subscription" }], [{ WEBSITE_OWNER_NAME: "x+y" }]])(
    "%o tells no subscription",
    async (env) => {
      const error = await errorOf(() => subscriptionId(env));
      expect([error.code, error.retryable]).toEqual(["BINDING_CONFIG_INVALID", false]);
      expect(error.hint).toContain("AZURE_SUBSCRIPTION_ID");
    },
  );
});
