import { decodeJwt } from "jose";

/** By which name App Service tells of a claim. What is not here keeps its own. */
const NAMES: Readonly<Record<string, string>> = {
  oid: "http://schemas.microsoft.com/identity/claims/objectidentifier",
  tid: "http://schemas.microsoft.com/identity/claims/tenantid",
  idp: "http://schemas.microsoft.com/identity/claims/identityprovider",
  sub: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
};

/**
 * What App Service authentication adds to a request whose token it has let through.
 * @see https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
 */
export function clientPrincipalHeaders(token: string): Readonly<Record<string, string>> {
  const claims = decodeJwt(token);
  const principal = {
    auth_typ: "aad",
    claims: Object.entries(claims).flatMap(([name, value]) =>
      // A claim with several values is told of several times.
      [value].flat().map((one) => ({ typ: NAMES[name] ?? name, val: String(one) })),
    ),
    name_typ: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    role_typ: "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
  };
  return {
    "x-ms-client-principal": Buffer.from(JSON.stringify(principal)).toString("base64"),
    "x-ms-client-principal-id": String(claims.oid),
    "x-ms-client-principal-idp": "aad",
  };
}
