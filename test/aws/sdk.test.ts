import { expect, test } from "vitest";
import { sdkSettings } from "../../functions/aws/sdk-settings.ts";

const lambda = {
  AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
  AWS_ACCESS_KEY_ID: "ASIAEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: "token",
};
const credentials = { accessKeyId: "ASIAEXAMPLE", secretAccessKey: "secret", sessionToken: "token" };

test("off Lambda the SDK looks for itself, in files too", () => {
  const { AWS_LAMBDA_FUNCTION_NAME: _, ...env } = { ...lambda, AWS_ENDPOINT_URL: "http://127.0.0.1:1" };
  expect(sdkSettings("ECR", env)).toEqual({ maxAttempts: 1 });
});

test("on Lambda it is told everything", () => {
  const settings = sdkSettings("ECR", lambda);
  expect(settings).toMatchObject({ maxAttempts: 1, credentials, ignoreConfiguredEndpointUrls: true });
  expect(settings).not.toHaveProperty("endpoint");
  expect(settings).toMatchObject({ useFipsEndpoint: false, useDualstackEndpoint: false, userAgentAppId: "" });
});

test("the SDK's own variables count on Lambda as they do elsewhere", () => {
  const env = {
    ...lambda,
    AWS_ENDPOINT_URL: "http://127.0.0.1:1",
    AWS_ENDPOINT_URL_STS: "http://127.0.0.1:2",
    AWS_USE_FIPS_ENDPOINT: "true",
    AWS_USE_DUALSTACK_ENDPOINT: "true",
    AWS_SDK_UA_APP_ID: "vendor",
  };
  const told = { useFipsEndpoint: true, useDualstackEndpoint: true, userAgentAppId: "vendor" };
  expect(sdkSettings("ECR", env)).toMatchObject({ endpoint: "http://127.0.0.1:1", ...told });
  expect(sdkSettings("STS", env)).toMatchObject({ endpoint: "http://127.0.0.1:2" });
  const ignored = sdkSettings("STS", { ...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" });
  expect(ignored).toMatchObject({ ignoreConfiguredEndpointUrls: true });
  expect(ignored).not.toHaveProperty("endpoint");
});
