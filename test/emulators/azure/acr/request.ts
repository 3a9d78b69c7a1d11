import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "../../../../oci/token/index.ts";
import type { Backing } from "../../aws/data-plane/backing.ts";
import type { Credential } from "../../aws/data-plane/request.ts";
import type { CallRecord } from "../call.ts";
import type { World } from "../world.ts";
import { type Holder, holderOf, opens } from "./holder.ts";
import { challenge } from "./refusals.ts";
import type { Registry } from "./registry.ts";

/** A request to a registry's `/v2` or `/acr/v1`. */
export interface RegistryCall {
  readonly world: World;
  readonly registry: Registry;
  /** The URL that the registry was reached by. */
  readonly base: string;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly method: string;
  readonly query: URLSearchParams;
  readonly credential: Credential;
  readonly record: CallRecord;
  readonly backing: () => Promise<Backing>;
}

/** Whose credentials these are. @throws AzureError 401 with a challenge where they are nobody's */
export async function authenticate(call: RegistryCall, wanted: Access | undefined): Promise<Holder> {
  const { world, registry, credential, record } = call;
  const holder = await holderOf(world, registry, credential);
  if (holder === undefined) throw challenge(registry, call.base, wanted, false);
  record.principal = holder.subject;
  return holder;
}

/** Lets through who may do exactly this. @throws AzureError 401 with a challenge */
export async function permit(call: RegistryCall, wanted: Access): Promise<void> {
  const holder = await authenticate(call, wanted);
  if (!opens(holder, wanted, call.record)) throw challenge(call.registry, call.base, wanted, true);
}
