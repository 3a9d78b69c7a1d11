import { ArtifactRegistryError, type ErrorCode, type ErrorOptions } from "../../../core/errors.ts";
import { OciError } from "../../../oci/client/index.ts";
import type { AccountField } from "../binding.ts";

export interface Refused {
  /** The step, as `list tags`. */
  readonly what: string;
  readonly host: string;
  /** The account in whose name we asked. */
  readonly as: AccountField | "credentials";
}

/** Translates a refusal of the registry or its token service into what it means to a caller of the suite. */
export function translateOciError(thrown: unknown, { what, host, as }: Refused): unknown {
  if (!(thrown instanceof OciError)) return thrown;
  const { status, code, retryAfterSeconds } = thrown;
  const refuse = (to: ErrorCode, message: string, options: ErrorOptions = {}) =>
    new ArtifactRegistryError(to, `${host}: ${what}: ${message}`, { ...options, cause: thrown });
  const later = { retryable: true, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };

  if (code === "REALM_REFUSED") {
    return refuse("BINDING_CONFIG_INVALID", `${thrown.message}, which the binding does not allow.`, {
      hint: "If that is its token service, set tokenServiceUrl to it. Passwords go to the hosts in the binding only.",
      context: { field: "tokenServiceUrl" },
    });
  }
  if (code === "REDIRECT_REFUSED") {
    return refuse("UNEXPECTED_RESPONSE_FORMAT", "the registry leads where no request may go.", {
      hint:
        `${thrown.message.slice(0, 200)} A proxy that ends TLS must send "X-Forwarded-Proto: https" to the registry. ` +
        "In distribution, http.relativeurls: true helps as well.",
    });
  }
  if (code === "UNEXPECTED_RESPONSE" || code === "DIGEST_MISMATCH") {
    return refuse("UNEXPECTED_RESPONSE_FORMAT", "the registry's answer cannot be understood.", {
      hint: `Check that registryUrl is that of an OCI registry. ${thrown.message.slice(0, 200)}`,
    });
  }
  if (code === "NETWORK") return unreachable(thrown, refuse);
  // A registry that knows who asks, and still answers 401, refuses what was asked for (distribution: `insufficient_scope`).
  switch (status === 401 && thrown.authenticated ? 403 : status) {
    case 401:
      return refuse("BINDING_CONFIG_INVALID", `the registry does not accept the binding's ${as}.`, {
        hint: "Check that the files hold the account's present user name and password.",
        context: { field: as },
      });
    case 403:
      return refuse("ACCESS_DENIED", `the registry denies this to the binding's ${as}.`, {
        hint:
          "Give the account the right to do it at the registry. If the registry needs a project or an organization first, " +
          "create the one that repositoryPrefix names: some registries deny what is not there.",
        context: { field: as },
      });
    case 404:
      // An upload that has ended says nothing about the place.
      if (code === "BLOB_UPLOAD_UNKNOWN") break;
      return refuse("BINDING_CONFIG_INVALID", "the registry knows no such place.", {
        hint:
          "Check that registryUrl is that of an OCI registry. If the registry needs a project or an organization first, " +
          "create the one that repositoryPrefix names with the registry's own tools.",
        context: { field: "repositoryPrefix" },
      });
    case 408:
    case 504:
      return refuse("TIMEOUT", "the registry did not answer in time.", later);
    case 429:
      return refuse("RATE_LIMIT_EXCEEDED", "the registry asks to wait.", later);
    case 413:
    case 507:
      return refuse("QUOTA_EXCEEDED", "the registry has no more room.", { hint: "Raise the quota, or delete images." });
    case 503:
      return refuse("SERVICE_UNAVAILABLE", "the registry is not available.", later);
  }
  return refuse("CLOUD_PLATFORM_ERROR", `the registry answered with status ${status}.`, {
    ...(status >= 500 && later),
  });
}

type Refuse = (to: ErrorCode, message: string, options?: ErrorOptions) => ArtifactRegistryError;

function unreachable(thrown: OciError, refuse: Refuse): ArtifactRegistryError {
  const why = systemCode(thrown);
  if (why !== undefined && /CERT|SSL|TLS|SIGNED|ISSUER|VERIFY_LEAF|EPROTO/.test(why)) {
    return refuse("BINDING_CONFIG_INVALID", `no secure connection: ${why}.`, {
      hint: "Set caFile to the CA that signed the registry's certificate. The certificate must name the host of registryUrl.",
      context: { field: "caFile" },
    });
  }
  return refuse("SERVICE_UNAVAILABLE", `no answer${why === undefined ? "" : ` (${why})`}.`, {
    retryable: true,
    hint: "Check that the registry runs and that the binding's registryUrl is right.",
  });
}

/** Finds the code of the system or of OpenSSL anywhere in the chain of causes. */
function systemCode(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code } = each as NodeJS.ErrnoException;
    if (!(each instanceof OciError) && typeof code === "string" && /^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return code;
  }
  return undefined;
}
