/** Tokens that a cloud or GitHub issues for the identity under which this process runs. */
import { ArtifactRegistryError } from "../../core/errors.ts";
import { once } from "../../core/once.ts";
import { type Environment, invalidBinding } from "../binding.ts";
import { tryParseObject } from "../json.ts";
import { noIdentity, notInstalled } from "./proof.ts";

/**
 * Gets ID tokens for a Cloud Run function. google-auth-library finds the identity and keeps the tokens fresh.
 *
 * @throws BINDING_CONFIG_INVALID when the package is not installed; AUTHENTICATION_ERROR, from each call, when there is no
 *   identity that has ID tokens
 *
 * @example
 * const token = await (await idToken("https://registry.example"))();
 */
export async function idToken(audience: string): Promise<() => Promise<string>> {
  const { GoogleAuth } = await loadGoogle();
  // An ID token needs no project. Without one the library would start gcloud to look for it, which takes seconds.
  const client = once(() => new GoogleAuth({ projectId: "none" }).getIdTokenClient(audience));
  return async () => {
    const attempt = client();
    try {
      const headers = await (await attempt).getRequestHeaders();
      return (headers.get("authorization") ?? "").replace(/^Bearer /i, "");
    } catch (cause) {
      // The identity may be there at the next call.
      client.forget(attempt);
      throw noIdentity(
        "A Google ID token",
        "Run under a service account, since a user's own credentials give no ID token.",
        cause,
      );
    }
  };
}

async function loadGoogle() {
  try {
    return await import("google-auth-library");
  } catch (cause) {
    throw notInstalled("google-auth-library", cause);
  }
}

/**
 * Gets Entra tokens for the function's application. @azure/identity finds the identity and keeps the tokens fresh.
 *
 * @param audience the application ID URI of the function's authentication
 * @param clientId of a managed identity, where there are several
 * @throws BINDING_CONFIG_INVALID without an audience, or when the package is not installed; AUTHENTICATION_ERROR, from each
 *   call, when there is no identity
 *
 * @example
 * const token = await (await entraToken({ audience: "api://artifact-registry" }))(signal);
 */
export async function entraToken({ audience, clientId }: { audience: string; clientId?: string }) {
  if (!audience) {
    throw invalidBinding(
      "The binding",
      "has no auth.audience.",
      "Set it to the application ID URI of the function's authentication.",
    );
  }
  const { DefaultAzureCredential } = await loadAzure();
  const credential = new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId });
  const scope = `${audience.replace(/\/$/, "")}/.default`;
  return async (abortSignal: AbortSignal): Promise<string> => {
    try {
      return (await credential.getToken(scope, { abortSignal })).token;
    } catch (cause) {
      throw noIdentity("An Entra token", "Assign a managed identity, or log in with az login.", cause);
    }
  };
}

async function loadAzure() {
  try {
    return await import("@azure/identity");
  } catch (cause) {
    throw notInstalled("@azure/identity", cause);
  }
}

/**
 * Gets the OIDC token of a GitHub Actions workflow (docs.github.com, "OpenID Connect reference"). A token lives for
 * minutes; the runner issues a new one for each request.
 *
 * @throws AUTHENTICATION_ERROR, from each call, outside of a job that may request a token, or when GitHub gives none
 *
 * @example
 * const token = await workflowToken("artifact-registry", process.env)(signal);
 */
export function workflowToken(audience: string, env: Environment, send = fetch) {
  return async (signal: AbortSignal): Promise<string> => {
    const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = env;
    if (!url || !token) throw noWorkflowToken("This is not a GitHub Actions job that may request an OIDC token.");
    const headers = { authorization: `Bearer ${token}` };
    const [response, text] = await send(`${url}&audience=${encodeURIComponent(audience)}`, { headers, signal })
      .then(async (answer) => [answer, await answer.text()] as const)
      .catch((cause: unknown) => {
        throw noWorkflowToken("GitHub cannot be reached for an OIDC token.", true, cause);
      });
    if (!response.ok)
      throw noWorkflowToken(`GitHub answered ${response.status} for an OIDC token.`, response.status >= 500);
    const value = tryParseObject(text)?.value;
    if (typeof value !== "string") throw noWorkflowToken("GitHub answered without an OIDC token.");
    return value;
  };
}

function noWorkflowToken(message: string, retryable = false, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("AUTHENTICATION_ERROR", message, {
    retryable,
    hint: "Give the job the permission `id-token: write`.",
    cause,
  });
}
