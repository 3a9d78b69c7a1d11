import { randomBytes, randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { CallRecord } from "../call.ts";
import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import type { World } from "../world.ts";
import type { Principal } from "./directory.ts";

const API_VERSION = "2019-08-01";
/** Managed identities of App Service get tokens for a day. */
const SECONDS = 24 * 60 * 60;

/** An app as its managed-identity endpoint sees it: the secret of its environment, and the identities it may be. */
export interface App {
  readonly header: string;
  /** More may be assigned to it while it runs. */
  readonly identities: Principal[];
}

export function newApp(identities: readonly Principal[]): App {
  return { header: randomBytes(16).toString("hex").toUpperCase(), identities: [...identities] };
}

/**
 * The endpoint that code on App Service and Azure Functions asks for tokens.
 * @see https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */
export async function getToken(
  world: World,
  req: IncomingMessage,
  query: URLSearchParams,
  record: CallRecord,
): Promise<Answer> {
  const app = world.apps.find(({ header }) => header === req.headers["x-identity-header"]);
  if (app === undefined) throw refusal(401, "Unauthorized.");
  if (query.get("api-version") !== API_VERSION) throw refusal(400, "The api-version is not supported.");
  const resource = query.get("resource");
  if (resource === null || resource === "") throw refusal(400, "The resource is missing.");
  const principal = identityOf(app, query);
  if (principal === undefined) {
    const isNamed = NAMES.some((name) => query.has(name));
    throw refusal(
      400,
      isNamed
        ? "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
        : "Unable to load the proper Managed Identity.",
    );
  }
  if (world.directory.principal(principal.principalId) === undefined) {
    throw refusal(400, `AADSTS700016: Application with identifier '${principal.clientId}' was not found.`);
  }
  record.principal = principal.principalId;
  const { token, expiresAt } = await world.entra.issue(principal, resource, SECONDS);
  const body = {
    access_token: token,
    expires_on: String(expiresAt.getTime() / 1000),
    // Exactly what was asked for: clients look it up by that.
    resource,
    token_type: "Bearer",
    client_id: principal.clientId,
  };
  return { status: 200, body };
}

const NAMES = ["client_id", "principal_id", "mi_res_id", "object_id"];

/** Without a name it is the identity of the app's own; a name means one that was assigned to it. */
function identityOf({ identities }: App, query: URLSearchParams): Principal | undefined {
  const clientId = query.get("client_id");
  const principalId = query.get("principal_id") ?? query.get("object_id");
  const resourceId = query.get("mi_res_id");
  if (clientId !== null) return identities.find((one) => one.clientId === clientId.toLowerCase());
  if (principalId !== null) return identities.find((one) => one.principalId === principalId.toLowerCase());
  if (resourceId !== null) {
    return identities.find((one) => one.resourceId?.toLowerCase() === resourceId.toLowerCase());
  }
  return identities.find(({ managed }) => managed === "system");
}

const refusal = (status: number, message: string) => new AzureError(status, String(status), message);

/** How the endpoint writes its refusals. */
export function managedIdentityForm({ status, message, headers }: AzureError): Answer {
  return { status, body: { statusCode: status, message, correlationId: randomUUID() }, headers };
}
