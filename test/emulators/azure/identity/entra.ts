import { randomUUID } from "node:crypto";
import type { CallRecord } from "../call.ts";
import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import type { World } from "../world.ts";
import type { Principal } from "./directory.ts";
import { checkAssertion } from "./federation.ts";

const SECONDS = 3600;
const ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** How Microsoft Entra ID writes its refusals. The number is in the message, and by itself. */
export function entraForm({ status, code, message, headers }: AzureError): Answer {
  const [, number] = /^AADSTS(\d+)/.exec(message) ?? [];
  const body = {
    error: code,
    error_description: message,
    error_codes: number === undefined ? [] : [Number(number)],
    timestamp: new Date().toISOString(),
    trace_id: randomUUID(),
    correlation_id: randomUUID(),
  };
  return { status, body, headers };
}

/**
 * `POST /{tenant}/oauth2/v2.0/token`: a token for an application by itself, by its secret or by another issuer's token.
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
export async function clientCredentials(world: World, form: URLSearchParams, record: CallRecord): Promise<Answer> {
  const grantType = form.get("grant_type");
  if (grantType !== "client_credentials") {
    throw new AzureError(
      400,
      "unsupported_grant_type",
      `AADSTS70003: The app requested an unsupported grant type '${grantType}'.`,
    );
  }
  const principal = await authenticate(world, form);
  record.principal = principal.principalId;
  const scope = form.get("scope") ?? "";
  const [, resource] = /^(\S+)\/\.default$/.exec(scope) ?? [];
  if (resource === undefined) {
    const message = `AADSTS1002012: The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with a resource identifier (application ID URI) suffixed with /.default.`;
    throw new AzureError(400, "invalid_scope", message);
  }
  const { token } = await world.entra.issue(principal, resource, SECONDS);
  return {
    status: 200,
    body: { token_type: "Bearer", expires_in: SECONDS, ext_expires_in: SECONDS, access_token: token },
  };
}

async function authenticate(world: World, form: URLSearchParams): Promise<Principal> {
  const { directory } = world;
  const clientId = form.get("client_id") ?? "";
  const principal = directory.byClientId(clientId);
  if (principal === undefined || principal.managed !== undefined) {
    const message = `AADSTS700016: Application with identifier '${clientId}' was not found in the directory '${directory.tenantId}'.`;
    throw new AzureError(400, "unauthorized_client", message);
  }
  const assertion = form.get("client_assertion");
  if (assertion !== null) {
    if (form.get("client_assertion_type") !== ASSERTION) {
      throw new AzureError(
        400,
        "invalid_request",
        "AADSTS90014: The required field 'client_assertion_type' is missing.",
      );
    }
    await checkAssertion(directory.federated(principal.clientId), assertion);
    return principal;
  }
  if (directory.hasSecret(principal.clientId, form.get("client_secret") ?? "")) return principal;
  const message = `AADSTS7000215: Invalid client secret provided for app '${clientId}'.`;
  throw new AzureError(401, "invalid_client", message);
}

/** `/{tenant}/v2.0/.well-known/openid-configuration` */
export function openidConfiguration(authority: string, tenantId: string): object {
  const base = `${authority}/${tenantId}`;
  return {
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"],
    tenant_region_scope: "EU",
  };
}
