import { noIdentity, notInstalled } from "./peer.ts";

/** ID tokens for a Cloud Run function, of the identity that google-auth-library finds; the library keeps them fresh. */
export async function idToken(audience: string): Promise<() => Promise<string>> {
  const { GoogleAuth } = await import("google-auth-library").catch(notInstalled("google-auth-library"));
  const client = new GoogleAuth().getIdTokenClient(audience);
  return async () => {
    try {
      const headers = await (await client).getRequestHeaders();
      return (headers.get("authorization") ?? "").replace(/^Bearer /i, "");
    } catch (cause) {
      throw noIdentity("A Google ID token", "Run under a service account; users' own credentials give none.", cause);
    }
  };
}
