import { once } from "../../core/once.ts";
import { noIdentity, notInstalled } from "./peer.ts";

/** ID tokens for a Cloud Run function, of the identity that google-auth-library finds; the library keeps them fresh. */
export async function idToken(audience: string): Promise<() => Promise<string>> {
  const { GoogleAuth } = await import("google-auth-library").catch(notInstalled("google-auth-library"));
  // An ID token needs no project. Where none is named the library looks for it, and starts gcloud, which takes seconds.
  const client = once(() => new GoogleAuth({ projectId: "none" }).getIdTokenClient(audience));
  return async () => {
    const attempt = client();
    try {
      const headers = await (await attempt).getRequestHeaders();
      return (headers.get("authorization") ?? "").replace(/^Bearer /i, "");
    } catch (cause) {
      // What is not there yet may be there at the next call.
      client.forget(attempt);
      throw noIdentity("A Google ID token", "Run under a service account; users' own credentials give none.", cause);
    }
  };
}
