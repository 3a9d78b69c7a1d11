import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from "jose";
import { AzureError } from "../errors.ts";
import type { FederatedCredential } from "./directory.ts";

/**
 * Lets through a token of another issuer that stands for an application: signed by that issuer, not expired, and with
 * exactly the issuer, subject and audience that were configured.
 * @throws AzureError invalid_client
 */
export async function checkAssertion(known: readonly FederatedCredential[], assertion: string): Promise<void> {
  const claims = decoded(assertion);
  const ofIssuer = known.filter(({ issuer }) => issuer === claims.iss);
  if (ofIssuer.length === 0) {
    throw refused(
      `AADSTS700211: No matching federated identity record found for presented assertion issuer '${claims.iss}'.`,
    );
  }
  const ofSubject = ofIssuer.filter(({ subject }) => subject === claims.sub);
  if (ofSubject.length === 0) {
    throw refused(
      `AADSTS700213: No matching federated identity record found for presented assertion subject '${claims.sub}'.`,
    );
  }
  const credential = ofSubject.find(({ audience }) => audience === claims.aud);
  if (credential === undefined) {
    throw refused(
      `AADSTS700212: No matching federated identity record found for presented assertion audience '${claims.aud}'.`,
    );
  }
  await verify(credential, assertion);
}

function decoded(assertion: string): JWTPayload {
  try {
    return decodeJwt(assertion);
  } catch {
    throw refused("AADSTS50027: JWT token is invalid or malformed.");
  }
}

async function verify({ issuer, audience, subject }: FederatedCredential, assertion: string): Promise<void> {
  try {
    const answer = await fetch(`${issuer}/.well-known/openid-configuration`);
    const { jwks_uri } = (await answer.json()) as { jwks_uri: string };
    await jwtVerify(assertion, createRemoteJWKSet(new URL(jwks_uri)), { issuer, audience, subject });
  } catch (error) {
    if (error instanceof errors.JWTExpired) {
      throw refused("AADSTS700024: Client assertion is not within its valid time range.");
    }
    throw refused("AADSTS5002738: The signature of the client assertion could not be verified.");
  }
}

const refused = (message: string) => new AzureError(401, "invalid_client", message);
