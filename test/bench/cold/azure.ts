import { coldStart } from "../../azure/bundle/child.ts";
import { objectId, principalHeaders, tenant } from "../../azure/handler/golden.ts";
import { startStub } from "./stub.ts";
import { credentials, type OpenSubject, rulesFor } from "./subject.ts";

/** An app that does nothing: its worker has the registration of one function, and not the library that makes it. */
const empty = `
const core = require("@azure/functions-core");
core.setProgrammingModel({
  name: "empty",
  version: "0.0.0",
  getCapabilities: async (given) => given,
  getInvocationModel: () => ({
    getArguments: async () => ({ context: {}, inputs: [] }),
    invokeFunction: async (context, inputs, callback) => callback(...inputs, context),
    getResponse: async () => ({ returnValue: { http: { statusCode: "200", body: { string: "{}" } } } }),
  }),
});
const bindings = { trigger: { type: "httpTrigger", direction: "in" } };
core.registerFunction({ name: "artifactRegistry", bindings }, async () => ({}));
`;

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
/** A token that says what it grants; nobody here verifies who signed it. */
const token = (claims: object) =>
  `${part({ alg: "RS256", typ: "JWT" })}.${part({ exp: Math.floor(Date.now() / 1_000) + 3_600, ...claims })}.c2lnbmF0dXJl`;

const others = {
  empty,
  "the platform's own clients alone": `
    const { app } = require("@azure/functions");
    const { ManagedIdentityCredential } = require("@azure/identity");
    const post = async (path, form) => {
      const answer = await fetch(process.env.ALIEN_ACR_ENDPOINT + path, { method: "POST", body: new URLSearchParams(form) });
      return answer.json();
    };
    app.http("artifactRegistry", { methods: ["POST"], route: "{*path}", handler: async () => {
      const { token } = await new ManagedIdentityCredential().getToken("https://containerregistry.azure.net/.default");
      const { refresh_token } = await post("/oauth2/exchange", { grant_type: "access_token", access_token: token });
      const { access_token } = await post("/oauth2/token", { grant_type: "refresh_token", refresh_token });
      return { jsonBody: { password: access_token } };
    } });`,
};

/** The Azure Function as the host's worker runs it, called over HTTP behind the platform door. */
export const azureSubject: OpenSubject = async (stubs) => {
  const answering = ({ url = "/" }: { readonly url?: string | undefined }, body: string) => {
    const { pathname, searchParams } = new URL(url, "http://stub");
    const scope = new URLSearchParams(body).get("scope") ?? "";
    return {
      type: "application/json",
      body: JSON.stringify(answer(pathname, searchParams.get("resource") ?? "", scope)),
    };
  };
  // The identity's endpoint is on the machine itself, and speaks no TLS.
  const identity = await startStub(answering);
  const stub = await startStub(answering, stubs);
  const asked = { path: "/v1/generateCredentials", headers: principalHeaders(), body: credentials };
  return {
    name: "azure",
    others,
    env: {
      IDENTITY_ENDPOINT: `${identity.url}/msi/token`,
      IDENTITY_HEADER: "secret",
      AZURE_CLIENT_ID: objectId,
      WEBSITE_AUTH_ENABLED: "True",
      ALIEN_ACR_ENDPOINT: stub.url,
      ALIEN_DOOR: "platform",
      ALIEN_PLATFORM_TENANTS: tenant,
      ALIEN_IMAGES_BINDING: JSON.stringify({
        service: "acr",
        registryName: "vendorimages",
        resourceGroupName: "registries",
        loginServer: "vendorimages.azurecr.io",
        repositoryPrefix: "images",
      }),
      ALIEN_ACCESS_RULES: rulesFor("azure", `${tenant}/${objectId}`),
    },
    async run(file, env) {
      const result = await coldStart(file, "artifactRegistry", asked, env);
      return { ...result, minted: result.answer?.text.includes('"password"') ?? false };
    },
    stop() {
      identity.stop();
      stub.stop();
    },
  };
};

function answer(pathname: string, resource: string, scope: string): object {
  if (pathname === "/msi/token") {
    const expires_on = String(Math.floor(Date.now() / 1_000) + 86_400);
    return { access_token: "token", expires_on, resource, token_type: "Bearer" };
  }
  if (pathname === "/oauth2/exchange") return { refresh_token: token({}) };
  // What is asked for is granted: `repository:images/my-app:pull,metadata_read`.
  const [type, name, actions = ""] = scope.split(":");
  return { access_token: token({ access: [{ type, name, actions: actions.split(",") }] }) };
}
