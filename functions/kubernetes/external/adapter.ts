import type { Call } from "../../../core/call.ts";
import { checkHealth, missingFields } from "../../../core/health.ts";
import { type NameSpace, ociGrammar, resolveRepositoryId, routeLogicalName } from "../../../core/names.ts";
import type { OpenContext } from "../../../core/platform.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { Capabilities } from "../../../core/registry-schemas.ts";
import type { Health } from "../../../core/schemas.ts";
import type { ExternalBinding } from "../binding.ts";
import { createConnection } from "./connection.ts";
import { type ExternalContext, step } from "./context.ts";
import { generateCredentials } from "./credentials.ts";
import { deleteRepository } from "./deletion.ts";
import { deleteOneImage, listImages, listRepositories, withoutCatalog } from "./listing.ts";
import { createRepository, getRepository } from "./repositories.ts";

/** Opens a namespace in an OCI registry that somebody else runs, with the accounts that the operator has mounted. */
export function createExternalRegistry({ binding, others, env }: OpenContext<ExternalBinding>): ArtifactRegistry {
  const { origin, host } = new URL(binding.registryUrl);
  const prefix = binding.repositoryPrefix ?? "";
  // Clients count the host as part of a name's 255 characters (distribution, `reference`).
  const grammar = { ...ociGrammar, maxLength: ociGrammar.maxLength - host.length - 1 };
  const space: NameSpace = { prefix, separator: "/", grammar, hosts: [host], others };
  const context: ExternalContext = { binding, host, connection: createConnection(binding, env) };

  return {
    service: "external",
    capabilities: externalCapabilities(binding),
    upstreamRepositoryPrefix: prefix,
    routeName: (logical) => routeLogicalName(logical, space),
    resolveId: (repoId) => resolveRepositoryId(repoId, space),
    registryEndpoint: async () => origin,
    createRepository: (name, call) => createRepository(context, name, call),
    getRepository: (name, call) => getRepository(context, name, call),
    deleteRepository: (name, call) => deleteRepository(context, name, call),
    ...(binding.catalog !== false && {
      listRepositories: (page, call) => listRepositories(context, space, page, call),
    }),
    listImages: (name, page, call) => listImages(context, name, page, call),
    deleteImage: (name, reference, call) => deleteOneImage(context, name, reference, call),
    generateCredentials: (request, call) => generateCredentials(context, request, call),
    health: (call) => externalHealth(context, call),
  };
}

/** Whether the registry answers to the function's own account, and the binding is complete. */
async function externalHealth(context: ExternalContext, call: Call): Promise<Health> {
  const hint = "Without the account no such credentials are minted.";
  const missing = missingFields(context.binding, ["pullAccount", "pushAccount"], hint);
  return checkHealth(missing, "unhealthy", async () => {
    await step(context, call, { what: "GET /v2/", as: "account" }, (client) => client.ping());
    return [];
  });
}

const noAccounts = {
  reason: "An OCI registry knows no other accounts: cross-account access does not apply.",
  hint: "Mint pull credentials for the consumer with generateCredentials, or give its robot account the right to pull.",
};
const endedThere = {
  reason: "The cluster operator's registry checks these credentials: only that registry can end them.",
  hint: "Wait for the end of a token, or end it with the registry's own tools. Give a static account another password.",
};
const notProvisioned = {
  reason: "The registry is the cluster operator's: nothing of this suite makes or removes it.",
  hint: "Install the registry and its accounts with the operator's own tools, and bind it.",
};

/** Tells what a binding's registry can do. A static account opens every repository, a token one. */
function externalCapabilities({
  staticCredentials = false,
  pushMayDelete = false,
  catalog = true,
}: ExternalBinding): Capabilities {
  return {
    // The token service alone decides how long a token lives.
    credentials: {
      ...(staticCredentials
        ? ({ authMethod: "basic", scope: "registry" } as const)
        : ({ authMethod: "bearer", scope: "repository" } as const)),
      ...(pushMayDelete && { pushMayDelete }),
    },
    tellsAbsence: true,
    unsupported: {
      addCrossAccountAccess: noAccounts,
      removeCrossAccountAccess: noAccounts,
      getCrossAccountAccess: noAccounts,
      listGranteeAccess: noAccounts,
      removeGranteeAccess: noAccounts,
      ...(!catalog && { listRepositories: withoutCatalog }),
      revokeCredentials: endedThere,
      provisionRegistry: notProvisioned,
      deprovisionRegistry: notProvisioned,
    },
  };
}
