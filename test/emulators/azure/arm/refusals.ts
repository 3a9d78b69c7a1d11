import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import type { Principal } from "../identity/directory.ts";

/** How Azure Resource Manager writes its errors. */
export function armForm({ status, code, message, headers }: AzureError): Answer {
  return { status, body: { error: { code, message } }, headers };
}

export function authorizationFailed({ clientId, principalId }: Principal, action: string, scope: string): AzureError {
  return new AzureError(
    403,
    "AuthorizationFailed",
    `The client '${clientId}' with object id '${principalId}' does not have authorization to perform action '${action}' ` +
      `over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  );
}

const UNAUTHENTICATED = {
  missing: ["AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."],
  invalid: ["InvalidAuthenticationToken", "The access token is invalid."],
  expired: ["ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than the current time."],
  audience: [
    "InvalidAuthenticationTokenAudience",
    "The access token has been obtained for wrong audience or resource. It should exactly match with one of the allowed audiences.",
  ],
} as const;

export function unauthenticated(why: keyof typeof UNAUTHENTICATED, tenantId: string): AzureError {
  const [code, message] = UNAUTHENTICATED[why];
  const authority = `authorization_uri="https://login.windows.net/${tenantId}"`;
  const challenge = `Bearer ${authority}, error="invalid_token", error_description="${message}"`;
  return new AzureError(401, code, message, { headers: { "WWW-Authenticate": challenge } });
}

export function resourceNotFound(type: string, name: string, group: string): AzureError {
  const message =
    `The Resource '${type}/${name}' under resource group '${group}' was not found. ` +
    "For more details please go to https://aka.ms/ARMResourceNotFoundFix";
  return new AzureError(404, "ResourceNotFound", message);
}

export function parentNotFound(name: string): AzureError {
  const message = `Can not perform requested operation on nested resource. Parent resource '${name}' not found.`;
  return new AzureError(404, "ParentResourceNotFound", message);
}

export const badRequest = (code: string, message: string) => new AzureError(400, code, message);
