import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { ContainerRegistryManagementClient } from "@azure/arm-containerregistry";
import { afterAll, beforeAll } from "vitest";
import { createClient, type OciClient, OciError } from "../../../oci/client/index.ts";
import { type AzureEmulator, type AzureOptions, type Principal, startAzure } from "./index.ts";

/** One emulator for the tests of a file, whose certificates are trusted. */
export function useAzure(options: AzureOptions = {}): () => AzureEmulator {
  let azure: AzureEmulator | undefined;
  let distrust = () => {};
  beforeAll(async () => {
    azure = await startAzure(options);
    distrust = azure.trustInThisProcess();
  });
  afterAll(async () => {
    distrust();
    await azure?.close();
  });
  return () => {
    if (azure === undefined) throw new Error("The emulator has not started.");
    return azure;
  };
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers of several services, looked at by tests only
  readonly body: any;
}

export async function ask(url: string, init: RequestInit = {}): Promise<Answered> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === "" ? undefined : parse(text) };
}

/** A registry's refresh token for a principal, or the refusal. */
export async function exchange(
  azure: AzureEmulator,
  name: string,
  principal: Principal,
  more: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const service = azure.world.registries.get(name)?.loginServer ?? name;
  const access_token = await azure.entraToken(principal);
  const form = new URLSearchParams({ grant_type: "access_token", service, access_token, ...more });
  return ask(`${azure.registryUrl(name)}/oauth2/exchange`, { method: "POST", body: form });
}

/** An access token for a scope, by a refresh token, or the refusal. */
export function token(azure: AzureEmulator, name: string, refreshToken: string, scope: string): Promise<Answered> {
  const service = azure.world.registries.get(name)?.loginServer ?? name;
  const form = new URLSearchParams({ grant_type: "refresh_token", service, scope, refresh_token: refreshToken });
  return ask(`${azure.registryUrl(name)}/oauth2/token`, { method: "POST", body: form });
}

/** The access token for a scope that a principal gets. */
export async function accessToken(
  azure: AzureEmulator,
  name: string,
  principal: Principal,
  scope: string,
): Promise<string> {
  const refresh = await exchange(azure, name, principal);
  if (refresh.status !== 200) throw new Error(`The exchange was refused: ${JSON.stringify(refresh.body)}`);
  return (await token(azure, name, refresh.body.refresh_token, scope)).body.access_token;
}

/** A client of a registry with an access token. */
export function registryClient(azure: AzureEmulator, name: string, bearer: string): OciClient {
  return createClient({ url: azure.registryUrl(name), credentials: { bearer } });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The status and code with which a registry refuses. */
export async function registryRefusal(call: Promise<unknown>): Promise<{ status: number; code: string }> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof OciError)) throw new Error("The call was not refused.");
  return { status: error.status, code: error.code };
}

/** Azure's own client of container registries, at Azure Resource Manager as this principal. Its first poll comes at once. */
export function managementClient(azure: AzureEmulator, principal: Principal): ContainerRegistryManagementClient {
  return new ContainerRegistryManagementClient(
    credentialOf(azure, principal),
    azure.subscription,
    clientOptions(azure),
  );
}

/** Azure's own client of role assignments. */
export function authorizationClient(azure: AzureEmulator, principal: Principal): AuthorizationManagementClient {
  return new AuthorizationManagementClient(credentialOf(azure, principal), azure.subscription, clientOptions(azure));
}

/** For calls that the official client cannot make: JSON to Azure Resource Manager. */
export async function arm(
  azure: AzureEmulator,
  principal: Principal | undefined,
  method: string,
  path: string,
  body?: object,
): Promise<Answered> {
  const bearer = principal && (await azure.entraToken(principal, "https://management.azure.com"));
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  return ask(`${azure.armUrl}${path}`, init);
}

/** Status, code and message with which Azure's own client says that a call was refused. */
export async function refusedWith(call: Promise<unknown>): Promise<{ status: number; code: string; message: string }> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("The call was not refused.");
  const { statusCode, code, message } = error as Error & { statusCode: number; code: string };
  return { status: statusCode, code, message };
}

const clientOptions = ({ armUrl }: AzureEmulator) => ({
  endpoint: armUrl,
  credentials: { scopes: ["https://management.azure.com/.default"] },
  credentialScopes: ["https://management.azure.com/.default"],
  retryOptions: { maxRetries: 0 },
});

/** Tokens of a principal, as Azure's own clients ask for them. */
export const credentialOf = (azure: AzureEmulator, principal: Principal) => ({
  getToken: async (scopes: string | string[]) => ({
    token: await azure.entraToken(principal, String(scopes).replace("/.default", "")),
    expiresOnTimestamp: Date.now() + 3_600_000,
  }),
});
