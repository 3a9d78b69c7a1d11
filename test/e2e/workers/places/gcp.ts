import { functionEnv } from "../../../gcp/handler/functions.ts";
import { deploy } from "../../../gcp/runtime/deploy.ts";
import { startFront } from "../../../gcp/runtime/front.ts";
import { startRunningFunction } from "../../../gcp/runtime/function.ts";
import { startStack } from "../../../gcp/support/stack.ts";
import { type Cloud, type Guests, oidcEnv, unnamed, unverified } from "../place.ts";

/** Workers on Cloud Run, under service accounts of their own, before a function that IAM guards. */
export interface Gcp extends Cloud {
  /** Its workers before a handler elsewhere, which takes tokens for this audience. */
  guests(audience: string): Promise<Guests>;
}

export async function onGcp(): Promise<Gcp> {
  const deployment = deploy();
  const stack = await startStack();
  const { gcp } = stack;
  const accounts = ["pipeline", "another", "stranger"].map((name) => gcp.serviceAccount(name));
  const [pipeline = "", another = "", stranger = ""] = accounts;
  const worker = async (email: string) => ({
    // On Google Cloud the metadata server has a name of its own, and needs no variable.
    env: { GCE_METADATA_HOST: await gcp.metadata(email), METADATA_SERVER_DETECTION: "assume-present" },
  });
  const open = async (door: string, invokers: "allUsers" | string[], more: Record<string, string> = {}) => {
    const running = await startRunningFunction(deployment, "artifactRegistry", functionEnv(stack, door, more));
    const front = await startFront(gcp, running.address, invokers);
    return {
      url: front.url,
      log: running.log,
      async stop() {
        await front.stop();
        await running.stop();
      },
    };
  };
  const may = await worker(pipeline);
  return {
    platform: "gcp",
    form: "gcp",
    open: () => open("platform", [pipeline, another]),
    openTo: (guests) => open("oidc", "allUsers", oidcEnv(guests.map(({ trusted }) => trusted))),
    async guests(audience) {
      const auth = { type: "gcp", audience } as const;
      // Of an ID token the subject is the account's number.
      const subject = gcp.world.directory.account(pipeline)?.uniqueId ?? "";
      const jwksUri = `${gcp.url}/oauth2/v3/certs`;
      return {
        form: "gcp",
        trusted: { issuer: "https://accounts.google.com", audience, jwksUri, subject },
        worker: { ...may, auth },
        seenAs: [subject],
        refused: {
          "of Google Cloud whose token is for another": {
            ...may,
            auth: { type: "gcp", audience: "another" },
            ...unverified,
          },
          "of Google Cloud that no rule names": { ...(await worker(stranger)), auth, ...unnamed },
        },
      };
    },
    worker: may,
    seenAs: [pipeline],
    refused: {
      "with a token that nobody signed": {
        auth: { type: "token", variable: "TOKEN" },
        env: { TOKEN: "a-bearer" },
        code: "AUTHENTICATION_ERROR",
        hint: /form of authentication/,
      },
      "that may not invoke the function": {
        ...(await worker(stranger)),
        code: "ACCESS_DENIED",
        hint: /roles\/run\.invoker/,
      },
      "that may invoke it, and no rule names": { ...(await worker(another)), ...unnamed },
      "whose token is for another function": {
        ...may,
        auth: { type: "gcp", audience: "https://elsewhere.example" },
        code: "AUTHENTICATION_ERROR",
        hint: /form of authentication/,
      },
      "that runs under no service account": {
        env: { ...may.env, GCE_METADATA_HOST: await gcp.metadata("nobody@vendor-project.iam.gserviceaccount.com") },
        code: "AUTHENTICATION_ERROR",
        hint: /Run under a service account/,
      },
    },
    reach: (uri) => gcp.reach(uri),
    async stop() {
      await stack.stop();
      deployment.remove();
    },
  };
}
