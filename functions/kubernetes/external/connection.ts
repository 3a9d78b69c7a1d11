import { createHash } from "node:crypto";
import { Agent, fetch as undiciFetch } from "undici";
import { type Credentials, createClient, type OciClient } from "../../../oci/client/index.ts";
import type { AccountField, ExternalBinding } from "../binding.ts";
import { readAccount } from "./account.ts";
import type { Account } from "./docker-config.ts";
import { readText } from "./mounted-file.ts";

/** A client that holds tokens holds them no longer than this: what it has learnt would only grow. */
const clientMs = 5 * 60_000;
/** To one registry at a time: what many callers want at once waits its turn. */
const connections = 32;
/** Milliseconds until a connection stands; the call's own limit bounds the rest. */
const connectMs = 5_000;

/** The way to a binding's registry, with the files of the binding as they are at the moment. */
export interface Connection {
  /** A client that asks in the name of an account; as a stranger where the binding names none. */
  as(field: AccountField): Promise<OciClient>;
  /** A client with credentials that are not the binding's, or with none. */
  with(credentials: Credentials | undefined): Promise<OciClient>;
  /** @throws BINDING_CONFIG_INVALID */
  account(field: AccountField): Promise<Account | undefined>;
}

interface Kept {
  readonly fingerprint: string;
  readonly client: OciClient;
  readonly since: number;
}

export function createConnection(binding: ExternalBinding): Connection {
  const { registryUrl, tokenServiceUrl, caFile } = binding;
  const { host, hostname } = new URL(registryUrl);
  const clients = new Map<AccountField, Kept>();
  let agent: { readonly ca: string | undefined; readonly dispatcher: Agent } | undefined;

  const account: Connection["account"] = async (field) => {
    const files = binding[field];
    return files && readAccount(files, field, host);
  };

  const trusting = async () => {
    const ca = caFile === undefined ? undefined : await readText(caFile, "caFile");
    if (agent === undefined || agent.ca !== ca) {
      // What is in flight over the old one ends as it would have.
      agent?.dispatcher.close().catch(() => undefined);
      const connect = { timeout: connectMs, ...(ca !== undefined && { ca }) };
      agent = { ca, dispatcher: new Agent({ connections, connect }) };
    }
    return agent;
  };

  const clientFor = (dispatcher: Agent, credentials: Credentials | undefined): OciClient =>
    createClient({
      url: registryUrl,
      credentials,
      fetch: ((url: URL, init: object) => undiciFetch(url, { ...init, dispatcher })) as unknown as typeof fetch,
      trustRealm: (realm) =>
        realm.hostname === hostname ||
        (tokenServiceUrl !== undefined && realm.origin === new URL(tokenServiceUrl).origin),
    });

  return {
    account,
    with: async (credentials) => clientFor((await trusting()).dispatcher, credentials),
    async as(field) {
      const found = await account(field);
      const credentials = found && { username: found.username, password: found.password.reveal() };
      const { ca, dispatcher } = await trusting();
      const fingerprint = createHash("sha256")
        .update(JSON.stringify([ca, credentials]))
        .digest("base64");
      const known = clients.get(field);
      if (known?.fingerprint === fingerprint && performance.now() - known.since < clientMs) return known.client;
      const client = clientFor(dispatcher, credentials);
      clients.set(field, { fingerprint, client, since: performance.now() });
      return client;
    },
  };
}
