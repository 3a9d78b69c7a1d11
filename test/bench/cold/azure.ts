import { coldStart } from "../../azure/bundle/child.ts";
import { objectId, principalHeaders, tenant } from "../../azure/handler/golden.ts";
import { bundleOf } from "../../support/bundle.ts";
import { startStub } from "../stub-azure.ts";
import { credentials, rulesFor, type Subject } from "./subject.ts";

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

/** The Azure Function as the host's worker runs it, called over HTTP behind the platform door. */
export async function azureSubject(): Promise<Subject> {
  const stub = await startStub();
  const asked = { path: "/v1/generateCredentials", headers: principalHeaders(), body: credentials };
  return {
    name: "azure",
    bundle: bundleOf("azure"),
    empty,
    env: {
      IDENTITY_ENDPOINT: `${stub.url}/msi/token`,
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
    stop: () => stub.stop(),
  };
}
