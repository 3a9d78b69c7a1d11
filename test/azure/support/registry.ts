import { afterAll, beforeAll } from "vitest";
import { startCall } from "../../../core/call.ts";
import type { OpenContext } from "../../../core/platform.ts";
import type { MintedCredentials } from "../../../core/registry.ts";
import { createAcrRegistry } from "../../../functions/azure/acr/adapter.ts";
import type { AcrBinding } from "../../../functions/azure/binding.ts";
import { createClient, type OciClient } from "../../../oci/client/index.ts";
import type { ScopeMap } from "../../emulators/azure/acr/registry.ts";
import type { Registry } from "../../emulators/azure/index.ts";
import { type AzureStack, type StackOptions, startStack } from "./stack.ts";

/** One container registry for the tests of a file; Azure's libraries in this process see it. */
export function useStack(options: StackOptions = {}): () => AzureStack {
  let stack: AzureStack | undefined;
  beforeAll(async () => {
    stack = await startStack(options);
    stack.useInThisProcess();
  });
  afterAll(() => stack?.stop());
  return () => {
    if (stack === undefined) throw new Error("The stack has not started.");
    return stack;
  };
}

export interface OpenOptions {
  readonly prefix?: string;
  /** What else the binding says; undefined leaves a member out. */
  readonly binding?: object;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Another identity of the stack's. */
  readonly as?: string;
  readonly others?: OpenContext["others"];
}

export function openRegistry(stack: AzureStack, options: OpenOptions = {}) {
  const { prefix = "images", others = [] } = options;
  const binding = JSON.parse(stack.binding(prefix, options.binding)) as AcrBinding;
  const as = options.as === undefined ? {} : { AZURE_CLIENT_ID: stack.other(options.as).clientId };
  const env = { ...stack.env(), ...as, ...options.env };
  return createAcrRegistry({ name: "images", binding, derived: false, others, env });
}

/** A call as the core makes it. */
export function newCall(operationMs = 20_000, signal = AbortSignal.timeout(operationMs)) {
  return startCall({
    requestId: "test",
    caller: { issuer: "door", subject: "test" },
    signal,
    now: () => new Date(),
    retry: { attempts: 4, baseMs: 5, capMs: 20 },
  });
}

/** The calls that the emulator saw since the list was last emptied, as `token repository:images/app:pull`. */
export function callsOf({ azure }: AzureStack): string[] {
  return azure.calls.map(({ service, action }) => `${service} ${action}`);
}

/** The container registry as the emulator keeps it. */
export function containerRegistry({ azure, registryName }: AzureStack): Registry {
  const registry = azure.world.registries.get(registryName);
  if (registry === undefined) throw new Error(`There is no registry ${registryName}.`);
  return registry;
}

/** Puts a scope map there that is not ours, unless told otherwise. */
export function seedScopeMap(stack: AzureStack, name: string, parts: Partial<ScopeMap> = {}): ScopeMap {
  const scopeMap: ScopeMap = {
    name,
    type: "UserDefined",
    creationDate: new Date(),
    description: undefined,
    actions: ["repositories/other/content/read"],
    provisioningState: "Succeeded",
    ...parts,
  };
  containerRegistry(stack).scopeMaps.set(name, scopeMap);
  return scopeMap;
}

/** What a minted token says of itself. */
export function claimsOf({ password }: MintedCredentials) {
  const claims = Buffer.from(password.reveal().split(".")[1] ?? "", "base64url").toString();
  return JSON.parse(claims) as { readonly exp: number; readonly access: unknown; readonly grant_type: string };
}

/** A client of the registry itself, with what generateCredentials answered. */
export function clientOf({ azure, registryName }: AzureStack, bearer: string): OciClient {
  return createClient({ url: azure.registryUrl(registryName), credentials: { bearer } });
}
