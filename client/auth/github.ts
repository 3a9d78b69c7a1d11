import { ArtifactRegistryError } from "../../core/errors.ts";
import type { Environment } from "../binding.ts";
import { parsed } from "../json.ts";

/**
 * The OIDC token of a GitHub Actions workflow (docs.github.com, "OpenID Connect reference"). One lives for minutes, and
 * the runner gives a new one at each request.
 */
export function workflowToken(audience: string, env: Environment) {
  return async (signal: AbortSignal): Promise<string> => {
    const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = env;
    if (!url || !token) throw refused("This is no GitHub Actions job that may ask for an OIDC token.");
    const headers = { authorization: `Bearer ${token}` };
    const [response, text] = await fetch(`${url}&audience=${encodeURIComponent(audience)}`, { headers, signal })
      .then(async (answer) => [answer, await answer.text()] as const)
      .catch((cause: unknown) => {
        throw refused("GitHub cannot be reached for an OIDC token.", true, cause);
      });
    if (!response.ok) throw refused(`GitHub answered ${response.status} for an OIDC token.`, response.status >= 500);
    const { value } = (parsed(text) ?? {}) as { value?: unknown };
    if (typeof value !== "string") throw refused("GitHub answered without an OIDC token.");
    return value;
  };
}

function refused(message: string, retryable = false, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("AUTHENTICATION_ERROR", message, {
    retryable,
    hint: "Give the job permissions: id-token: write.",
    cause,
  });
}
