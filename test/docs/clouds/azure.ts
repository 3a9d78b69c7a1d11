import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { platform } from "../../../functions/azure/index.ts";
import { provisionPermissions } from "../../azure/provisioning/support/group.ts";
import { startStack } from "../../azure/support/stack.ts";
import { startSuite } from "../../contract/harness.ts";
import { type Cloud, functionsOf, serveProvision } from "./follow.ts";

/** As `infra/azure/examples/basic` leaves it. */
export async function startAzure(): Promise<Cloud> {
  const stack = await startStack();
  const { azure, identity, registryName } = stack;
  azure.role("Provisions registries", provisionPermissions);
  azure.assign(identity, "Provisions registries", azure.resourceGroup("acme-registries"));
  stack.useInThisProcess();
  const derived = {
    ALIEN_STACK_PREFIX: "acme",
    ALIEN_AZURE_RESOURCE_GROUP: "acme-registries",
    ALIEN_AZURE_LOCATION: "westeurope",
    ALIEN_FUNCTION_PRINCIPAL_IDS: azure.identity("serving").principalId,
  };
  const env = { ...stack.env(), ...derived, ALIEN_IMAGES_BINDING: stack.binding("images") };
  const functions = functionsOf(platform, env);
  const http = await startSuite(platform, env, ["images"]);
  const provision = await serveProvision(functions);
  const topic = createServer(async (request, response) => {
    await functions.event(await json(request)).catch((error) => response.end(JSON.stringify(error)));
    response.end();
  });
  await new Promise<void>((resolve) => topic.listen(0, "127.0.0.1", resolve));
  const door = (name: string, url: string) => ({ name: `acme-${name}`, url, audience: `api://acme-${name}` });
  const registryHost = "acmeimages-b2c3d4e5.azurecr.io";
  const outputs: Readonly<Record<string, unknown>> = {
    registry_host: registryHost,
    functions: {
      platform: door("platform", http.url),
      oidc: door("oidc", http.url),
      provision: door("provision", provision.url),
    },
    setup_topic: { endpoint: `http://127.0.0.1:${(topic.address() as AddressInfo).port}/api/events` },
  };
  return {
    async command(name, args) {
      const command = [name, ...args.slice(0, 2)].join(" ");
      if (command === "tofu output -json") return JSON.stringify(outputs[args[2] ?? ""]);
      if (name === "npm" || name === "tofu") return "";
      if (command === "az account get-access-token") return "token-of-alice";
      if (command === "az account show") return azure.subscription;
      if (command === "az rest --method") return "";
      throw new Error(`Nothing stands in for ${name} ${args.join(" ")}.`);
    },
    registry: { host: registryHost, here: new URL(azure.registryUrl(registryName)).host },
    env: { TOKEN: "token-of-alice" },
    async stop() {
      topic.closeAllConnections();
      topic.close();
      provision.stop();
      await http.stop();
      await stack.stop();
    },
  };
}
