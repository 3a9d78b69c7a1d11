import { GoogleAuth } from "google-auth-library";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { cloudPlatform } from "../auth.ts";
import { isServiceAccount } from "../binding.ts";
import { translateGoogleError } from "../errors.ts";
import type { GarContext } from "../gar/context.ts";

const variable = "ALIEN_FUNCTION_SERVICE_ACCOUNTS";

/**
 * The service accounts of the functions that mint: those that `ALIEN_FUNCTION_SERVICE_ACCOUNTS` lists, separated by
 * commas, or this function's own.
 *
 * @throws BINDING_CONFIG_INVALID
 */
export async function functionAccounts({ env }: GarContext, call: Call): Promise<readonly string[]> {
  const listed = (env[variable] ?? "").split(",").flatMap((email) => email.trim() || []);
  const own = listed.length > 0 ? undefined : await call.upstream("The function's own e-mail address", ownEmail);
  const emails = own === undefined ? [...new Set(listed)] : [own];
  if (emails.length > 0 && emails.every(isServiceAccount)) return emails;
  const what = listed.length > 0 ? `${variable} names what is no service account` : "The function runs as none";
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `${what}.`, {
    hint: `Set ${variable} to the e-mail addresses of the functions that mint credentials, separated by commas.`,
    context: { variable },
  });
}

/** @returns undefined for an identity that is no service account, or where there is none */
async function ownEmail(): Promise<string | undefined> {
  try {
    return (await new GoogleAuth({ scopes: [cloudPlatform] }).getCredentials()).client_email;
  } catch (error) {
    const translated = translateGoogleError(error, "The function's own e-mail address", "an identity");
    if (translated instanceof ArtifactRegistryError && !translated.retryable) return undefined;
    throw translated;
  }
}
