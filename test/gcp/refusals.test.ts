import { afterEach, describe, expect, test } from "vitest";
import type { Fault } from "../emulators/gcp/index.ts";
import { crossAccountOf, emails, newCall, openRegistry, useStack } from "./support/registry.ts";

/** What Google says when it refuses, word for word where somebody has published it, and what our callers are told. */
const stack = useStack();
afterEach(() => stack().gcp.faults.clear());

interface Refusal {
  readonly fault: Extract<Fault, { kind: "error" }>;
  readonly code: string;
  readonly retryable?: boolean;
  readonly says: RegExp;
}

const error = (status: Refusal["fault"]["status"], message: string, reason?: string): Refusal["fault"] => ({
  kind: "error",
  status,
  message,
  ...(reason !== undefined && { reason }),
});
const reasonAlone = (reason: string) => error("PERMISSION_DENIED", "Request is refused.", reason);

const refusals: Readonly<Record<string, Refusal>> = {
  // hashicorp/terraform-provider-google#25093
  "a policy that IAM finds too large": {
    fault: error(
      "INVALID_ARGUMENT",
      "The number of members in the policy (1,501) is larger than the maximum allowed size 1,500.",
    ),
    code: "QUOTA_EXCEEDED",
    says: /1,500 members/,
  },
  // 2i2c-org/infrastructure#489
  "an API that is not enabled": {
    fault: error(
      "PERMISSION_DENIED",
      "Artifact Registry API has not been used in project 291560455175 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/artifactregistry.googleapis.com/overview?project=291560455175 then retry.",
      "SERVICE_DISABLED",
    ),
    code: "BINDING_CONFIG_INVALID",
    says: /not enabled.*artifactregistry\.googleapis\.com.*minutes/,
  },
  "an API that is not enabled, told by the reason alone": {
    fault: reasonAlone("SERVICE_DISABLED"),
    code: "BINDING_CONFIG_INVALID",
    says: /not enabled/,
  },
  "a project without billing": {
    fault: reasonAlone("BILLING_DISABLED"),
    code: "BINDING_CONFIG_INVALID",
    says: /[Bb]illing/,
  },
  "a project that is gone": {
    fault: reasonAlone("CONSUMER_INVALID"),
    code: "BINDING_CONFIG_INVALID",
    says: /project .*(suspended|deleted)/,
  },
  "a token whose scopes are too narrow": {
    fault: reasonAlone("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
    code: "BINDING_CONFIG_INVALID",
    says: /scope.*cloud-platform/,
  },
  "a perimeter of VPC Service Controls": {
    fault: reasonAlone("SECURITY_POLICY_VIOLATED"),
    code: "ACCESS_DENIED",
    says: /VPC Service Controls.*perimeter/,
  },
  // firezone/firezone#7711
  "a location that the project may not use": {
    fault: error(
      "PERMISSION_DENIED",
      "Permission denied on 'locations/me-central2' (or it may not exist).",
      "LOCATION_POLICY_VIOLATED",
    ),
    code: "BINDING_CONFIG_INVALID",
    says: /location/,
  },
  // firebase/firebase-tools#6454
  "a constraint of the organisation on locations": {
    fault: error(
      "FAILED_PRECONDITION",
      "Constraint constraints/gcp.resourceLocations violated for [orgpolicy:projects/1234567890] attempting to create a repository in [europe-west1].",
    ),
    code: "ACCESS_DENIED",
    says: /constraints\/gcp\.resourceLocations.*location/,
  },
  // terraform-google-modules/terraform-google-kubernetes-engine#2344
  "a constraint of the organisation on keys": {
    fault: error(
      "FAILED_PRECONDITION",
      "Constraint `constraints/gcp.restrictNonCmekServices` violated for `projects/xxx` attempting to create a resource without specifying a KMS CryptoKey.",
    ),
    code: "ACCESS_DENIED",
    says: /constraints\/gcp\.restrictNonCmekServices.*key.*label/,
  },
  // hashicorp/terraform-provider-google#13008
  "a key that Artifact Registry may not use": {
    fault: error(
      "PERMISSION_DENIED",
      "Permission denied on Cloud KMS key. Please ensure your Artifact Registry service account has been authorized to use the configured key.",
    ),
    code: "ACCESS_DENIED",
    says: /key.*gcp-sa-artifactregistry.*cloudkms\.cryptoKeyEncrypterDecrypter/,
  },
  "a quota of resources": {
    fault: error("RESOURCE_EXHAUSTED", "Quota exceeded.", "RESOURCE_QUOTA_EXCEEDED"),
    code: "QUOTA_EXCEEDED",
    says: /quota/,
  },
  "a quota of requests": {
    fault: error("RESOURCE_EXHAUSTED", "Quota exceeded.", "RATE_LIMIT_EXCEEDED"),
    code: "RATE_LIMIT_EXCEEDED",
    retryable: true,
    says: /throttled/,
  },
  "a permission that is lacking": {
    fault: error("PERMISSION_DENIED", "Permission denied.", "IAM_PERMISSION_DENIED"),
    code: "ACCESS_DENIED",
    says: /artifactregistry\.repositories\.[sg]etIamPolicy.*minutes/,
  },
};

const asked = { times: Number.POSITIVE_INFINITY };

describe.each(["GetIamPolicy", "SetIamPolicy"])("over gRPC, of %s", (action) => {
  test.each(Object.entries(refusals))("%s", async (_, { fault, code, retryable = false, says }) => {
    const { gcp } = stack();
    const registry = openRegistry(stack());
    const email = gcp.serviceAccount(`p-${gcp.calls.length}-consumer`.slice(0, 30), { project: "customer-project" });
    gcp.faults.add({ fault, action, ...asked });
    const refused = crossAccountOf(registry).add(registry.resolveId("my-app"), emails(email), newCall());
    const thrown = await refused.then(
      () => undefined,
      (error: unknown) => error as { message: string; hint?: string },
    );
    expect(thrown).toMatchObject({ code, retryable });
    expect(`${thrown?.message} ${thrown?.hint}`).toMatch(says);
    expect(`${thrown?.message} ${thrown?.hint}`).not.toMatch(/291560455175|1234567890|projects\/xxx/);
  });
});

describe("over HTTP, of generateAccessToken", () => {
  const named = [
    "an API that is not enabled, told by the reason alone",
    "a perimeter of VPC Service Controls",
  ] as const;
  test.each(named)("%s", async (name) => {
    const { gcp } = stack();
    const registry = openRegistry(stack());
    const { fault, code, says } = refusals[name] ?? {};
    if (!fault) throw new Error("There is no such case.");
    gcp.faults.add({ fault, action: "generateAccessToken", ...asked });
    const request = { name: registry.resolveId("my-app"), permissions: "pull", ttlSeconds: 900 } as const;
    const thrown = await registry.generateCredentials(request, newCall()).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code, retryable: false });
    const { message, hint } = thrown as { message: string; hint: string };
    expect(`${message} ${hint}`).toMatch(says ?? /never/);
  });
});
