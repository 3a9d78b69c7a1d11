import { refused } from "../binding.ts";
import { noIdentity, notInstalled } from "./peer.ts";

/** Entra tokens for the function's application, of the identity that @azure/identity finds; it keeps them fresh. */
export async function entraToken({ audience, clientId }: { audience: string; clientId?: string }) {
  if (!audience) {
    throw refused("The binding", "has no auth.audience.", "The application ID URI of the function's authentication.");
  }
  const { DefaultAzureCredential } = await import("@azure/identity").catch(notInstalled("@azure/identity"));
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
