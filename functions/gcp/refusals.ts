/** Refusals that Google's code does not explain: what they mean is in the reason or in the text. */
import type { ErrorCode } from "../../core/errors.ts";

/** What Google answered. */
export interface Refused {
  /** The name of the code, as `FAILED_PRECONDITION`. */
  readonly status: string;
  /** `google.rpc.ErrorInfo.reason`, where there is one. */
  readonly reason: string | undefined;
  readonly message: string;
}

/** What such a refusal means for our callers. */
export interface Meaning {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

interface Row extends Meaning {
  /** Reasons (googleapis, google/api/error_reason.proto). */
  readonly reasons?: readonly string[];
  /** For services that send no reason. */
  readonly text?: RegExp;
}

/** The codes with which Google refuses. What passes by itself, as UNAVAILABLE, keeps the meaning of its code. */
const refusing: ReadonlySet<string> = new Set([
  "PERMISSION_DENIED",
  "INVALID_ARGUMENT",
  "FAILED_PRECONDITION",
  "RESOURCE_EXHAUSTED",
  "NOT_FOUND",
]);

/** How long IAM may take to act on a change (IAM, "Access change propagation"). It ends hints. */
export const propagation =
  "What was granted a moment ago counts after 2 minutes as a rule, and sometimes after 7 minutes or more.";

const rows: readonly Row[] = [
  {
    reasons: ["SERVICE_DISABLED"],
    text: /has not been used in project .* or it is disabled/,
    code: "BINDING_CONFIG_INVALID",
    message: "the API is not enabled in the project.",
    hint:
      "Enable artifactregistry.googleapis.com, iam.googleapis.com and iamcredentials.googleapis.com. An API that was " +
      "enabled a moment ago works after some minutes.",
  },
  {
    reasons: ["BILLING_DISABLED"],
    text: /requires billing to be enabled/i,
    code: "BINDING_CONFIG_INVALID",
    message: "the project has no billing account.",
    hint: "Enable billing for the project.",
  },
  {
    reasons: ["CONSUMER_INVALID", "CONSUMER_SUSPENDED", "USER_PROJECT_DENIED"],
    code: "BINDING_CONFIG_INVALID",
    message: "the project does not exist, was deleted, or is suspended.",
    hint: "Check the binding's projectId, and the state of the project.",
  },
  {
    reasons: ["ACCESS_TOKEN_SCOPE_INSUFFICIENT"],
    text: /insufficient authentication scopes/i,
    code: "BINDING_CONFIG_INVALID",
    message: "the function's own token has too narrow a scope.",
    hint: "Run the function with the scope https://www.googleapis.com/auth/cloud-platform.",
  },
  {
    reasons: ["SECURITY_POLICY_VIOLATED"],
    text: /vpcServiceControlsUniqueIdentifier/,
    code: "ACCESS_DENIED",
    message: "VPC Service Controls do not let the request through.",
    hint: "Take the function and the registry into one perimeter, or allow the function's account by an ingress rule.",
  },
  {
    reasons: ["LOCATION_POLICY_VIOLATED", "LOCATION_TAX_POLICY_VIOLATED"],
    text: /Permission denied on 'locations\//,
    code: "BINDING_CONFIG_INVALID",
    message: "the project may not use this location, or there is none of that name.",
    hint: "Choose another location.",
  },
  // CMEK: Artifact Registry's own agent uses the key (Artifact Registry, "Enabling customer-managed encryption keys").
  {
    text: /permission denied on (?:cloud )?kms key/i,
    code: "ACCESS_DENIED",
    message: "Artifact Registry may not use the repository's encryption key.",
    hint:
      "Artifact Registry's service agent (service-{project number}@gcp-sa-artifactregistry.iam.gserviceaccount.com) " +
      "needs roles/cloudkms.cryptoKeyEncrypterDecrypter on the key, and the key must be enabled.",
  },
  // IAM, "Quotas and limits": 1,500 principals in one allow policy.
  {
    text: /number of members in the policy|polic(?:y|ies) (?:is|are) too large|polic(?:y|ies) .{0,40}larger than the maximum/i,
    code: "QUOTA_EXCEEDED",
    message: "IAM finds the policy too large: it may hold 1,500 members.",
    hint: "Remove grants that are not needed, or grant consumers through a Google group that the operator adds once.",
  },
  {
    reasons: ["RESOURCE_QUOTA_EXCEEDED"],
    text: /maximum number of/i,
    code: "QUOTA_EXCEEDED",
    message: "the project has reached its quota.",
    hint: "Remove what is not needed, or ask Google for a higher quota.",
  },
];

/** What to do about a constraint of an organisation's policies (Resource Manager, "Organization policy constraints"). */
const constraintHints: Readonly<Record<string, string>> = {
  "gcp.resourceLocations": "Choose a location that it allows.",
  "gcp.restrictNonCmekServices":
    "Create the repository with a key of Cloud KMS, and have it adopted by the registry's label.",
  "iam.allowedPolicyMemberDomains": "The consumer's organisation must be among those that it allows.",
  "iam.disableServiceAccountCreation": "Create the service accounts, and have them adopted by the registry's mark.",
};

/**
 * The meaning of a refusal.
 *
 * @returns undefined where the code says all that there is
 */
export function meaningOf({ status, reason, message }: Refused): Meaning | undefined {
  if (!refusing.has(status)) return undefined;
  const constraint = /constraints\/([a-zA-Z]+\.[a-zA-Z.]+)/.exec(message)?.[1];
  if (constraint !== undefined) {
    const what = `the organisation policy constraints/${constraint} does not allow it.`;
    const hint = constraintHints[constraint] ?? "Ask whoever administers the organisation's policies.";
    return { code: "ACCESS_DENIED", message: what, hint };
  }
  return rows.find(({ reasons, text }) => {
    // A reason is Google's own word for programs. The text counts only where no row knows the reason.
    if (reason !== undefined && reasons?.includes(reason)) return true;
    return text?.test(message) ?? false;
  });
}
