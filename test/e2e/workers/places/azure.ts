import { functionEnv, rulesFor } from "../../../azure/handler/functions.ts";
import { startRunningApp } from "../../../azure/runtime/app.ts";
import { deploy } from "../../../azure/runtime/deploy.ts";
import { startFront } from "../../../azure/runtime/front.ts";
import { startStack } from "../../../azure/support/stack.ts";
import type { Application, Principal } from "../../../emulators/azure/index.ts";
import { type Cloud, type Guests, oidcEnv, unnamed, unverified } from "../place.ts";

const audience = "api://artifact-registry";

/** Workers on Azure, under managed identities of their own, before a function app with App Service authentication. */
export interface Azure extends Cloud {
  /** Its workers before a handler elsewhere, which takes tokens for this application of the tenant's. */
  guests(identifierUri: string): Guests;
}

export async function onAzure(): Promise<Azure> {
  const deployment = deploy();
  const stack = await startStack();
  const { azure } = stack;
  const [pipeline, another, stranger] = [
    azure.identity("pipeline"),
    azure.identity("another"),
    azure.identity("stranger"),
  ];
  const role = ["ArtifactRegistry.Caller"];
  const application = azure.application(audience, [
    [pipeline, role],
    [another, role],
  ]);
  const elsewhere = azure.application("api://elsewhere");
  const worker = (identity: Principal) => {
    const { IDENTITY_ENDPOINT = "", IDENTITY_HEADER = "", AZURE_CLIENT_ID = "" } = azure.environment(identity);
    return { env: { IDENTITY_ENDPOINT, IDENTITY_HEADER, AZURE_CLIENT_ID, ALIEN_AUDIENCE: audience } };
  };
  const open = async (door: string, authenticates: Application | undefined, more: Record<string, string>) => {
    const env = { ALIEN_PLATFORM_TENANTS: azure.tenantId, ...more };
    const app = await startRunningApp(deployment, functionEnv(stack, door, env));
    const front = await startFront(azure, app.url, authenticates);
    return {
      url: front.url,
      log: app.log,
      async stop() {
        await front.stop();
        await app.stop();
      },
    };
  };
  const subject = `${azure.tenantId}/${pipeline.principalId}`;
  const may = worker(pipeline);
  return {
    platform: "azure",
    form: "azure",
    open: () => open("platform", application, { ALIEN_ACCESS_RULES: rulesFor("azure", subject) }),
    openTo: (guests) => open("oidc", undefined, oidcEnv(guests.map(({ trusted }) => trusted))),
    guests(identifierUri) {
      const auth = { type: "azure", audience: identifierUri } as const;
      const issuer = `${azure.authorityHost}/${azure.tenantId}/v2.0`;
      const { clientId } = azure.application(identifierUri);
      return {
        form: "azure",
        // Entra's tokens carry the id of the application that they are for.
        // A managed identity's token lives for a day, and is dated five minutes back.
        trusted: {
          issuer,
          audience: clientId,
          caFile: azure.caFile,
          maxTokenSeconds: 90_000,
          subject: pipeline.principalId,
        },
        worker: { ...may, auth },
        seenAs: [pipeline.principalId],
        refused: {
          "of Azure whose token is for another": { ...may, auth: { type: "azure", audience }, ...unverified },
          "of Azure that no rule names": { ...worker(stranger), auth, ...unnamed },
        },
      };
    },
    worker: may,
    seenAs: [subject],
    refused: {
      "with a token that nobody signed": {
        auth: { type: "token", variable: "TOKEN" },
        env: { TOKEN: "a-bearer" },
        code: "AUTHENTICATION_ERROR",
        hint: /form of authentication/,
      },
      "that has no role in the application": {
        ...worker(stranger),
        code: "ACCESS_DENIED",
        hint: /role/,
        byHandler: true,
      },
      "that has the role, and no rule names": { ...worker(another), ...unnamed },
      "whose token is for another application": {
        ...may,
        auth: { type: "azure", audience: elsewhere.identifierUri },
        code: "AUTHENTICATION_ERROR",
        hint: /form of authentication/,
      },
      "that names an application which the tenant does not have": {
        ...may,
        auth: { type: "azure", audience: "api://nowhere" },
        code: "AUTHENTICATION_ERROR",
        hint: /managed identity/,
      },
      "that is told no application": {
        env: { ...may.env, ALIEN_AUDIENCE: "" },
        code: "BINDING_CONFIG_INVALID",
        hint: /application ID URI/,
      },
    },
    reach: (uri) => azure.reach(uri),
    async stop() {
      await stack.stop();
      deployment.remove();
    },
  };
}
