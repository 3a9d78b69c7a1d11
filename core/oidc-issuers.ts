import * as v from "valibot";
import { isIssuerUrl } from "./caller.ts";
import { ArtifactRegistryError } from "./errors.ts";
import { validate } from "./operation.ts";

/** The URL of an issuer, or of its keys. */
export const issuerUrl = v.pipe(v.string(), v.check(isIssuerUrl, "must be an https URL (http only on loopback)"));

const filled = v.pipe(v.string(), v.minLength(1, "must not be empty"));

const trustedIssuer = v.pipe(
  v.strictObject({
    issuer: issuerUrl,
    /** The `aud` of tokens for this suite. It is required, because tokens that were issued for others must not count here. */
    audience: filled,
    /** The URL of the keys, for an issuer that has no discovery document. */
    jwksUri: v.optional(issuerUrl),
    /** PEM file of the CAs that sign the issuer's certificate, instead of those that Node brings. */
    caFile: v.optional(filled),
    /** File of the bearer token with which we ask for the keys. A Kubernetes API server answers nobody else. */
    tokenFile: v.optional(filled),
    /** Seconds from `iat` to `exp` that this issuer's tokens may live. Default: 86,400, which is a day. */
    maxTokenSeconds: v.optional(v.pipe(v.number(), v.integer("must be whole"), v.minValue(1, "must be at least 1"))),
  }),
  // The operator decides where the token is sent, never a discovery document.
  v.check(
    ({ tokenFile, jwksUri }) => tokenFile === undefined || jwksUri !== undefined,
    "must have a jwksUri where it has a tokenFile: the token is sent there and nowhere else",
  ),
);

const issuerList = v.pipe(
  v.array(trustedIssuer),
  v.minLength(1, "must name at least one issuer"),
  v.check((list) => new Set(list.map((each) => each.issuer)).size === list.length, "must name each issuer once"),
);

export type OidcIssuer = v.InferOutput<typeof issuerList>[number];

/**
 * Reads the issuers whose tokens the `oidc` door takes.
 *
 * @param text JSON, the value of `ALIEN_OIDC_ISSUERS`: a list of `{issuer, audience, jwksUri?, caFile?, tokenFile?, maxTokenSeconds?}`
 * @throws BINDING_CONFIG_INVALID naming the field
 */
export function parseIssuers(text: string): OidcIssuer[] {
  try {
    return validate(issuerList, JSON.parse(text));
  } catch (error) {
    const why = error instanceof ArtifactRegistryError ? error.message : "It is not JSON.";
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The OIDC issuers are not valid. ${why}`, {
      hint: "Expected ALIEN_OIDC_ISSUERS as a JSON list of {issuer, audience, jwksUri?, caFile?, tokenFile?, maxTokenSeconds?}.",
      cause: error,
    });
  }
}
