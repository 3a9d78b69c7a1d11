import { createHash } from "node:crypto";
import { createHttpClient } from "../../../core/http-client.ts";
import type { Environment } from "../../../core/platform.ts";
import { type Credentials, createClient, type OciClient } from "../../../oci/client/index.ts";
import type { AccountField, ExternalBinding } from "../binding.ts";
import { type Account, readAccount, readMountedFile } from "./accounts.ts";

/** Milliseconds for which a client is kept: the tokens that it holds would only grow in number. */
const clientMs = 5 * 60_000;
/** Connections to one registry at a time; further requests wait their turn. */
const connections = 32;
/** Milliseconds until a connection stands; the limit of the call bounds the rest. */
const connectMs = 5_000;
/** Bytes of an answer. The OCI client has narrower bounds of its own, and says better what was too large. */
const answerAtMost = 64 * 1024 * 1024;

/** The way to a registry, with the files of its binding as they are at the moment. */
export interface Connection {
  /** A client that asks in the name of an account, or as a stranger where the binding names none. */
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

export function createConnection(binding: ExternalBinding, env: Environment): Connection {
  const { registryUrl, tokenServiceUrl, caFile } = binding;
  const { host, hostname } = new URL(registryUrl);
  const clients = new Map<AccountField, Kept>();
  const { fetch } = createHttpClient({ env, caFile, connections, connectMs, answerAtMost });

  const account: Connection["account"] = async (field) => {
    const files = binding[field];
    return files && readAccount(files, field, host);
  };

  // Read here too: where the file cannot be read the binding is wrong, not the network.
  const readCa = async () => (caFile === undefined ? undefined : readMountedFile(caFile, "caFile"));

  const clientFor = (credentials: Credentials | undefined): OciClient =>
    createClient({
      url: registryUrl,
      credentials,
      fetch,
      trustRealm: (realm) =>
        realm.hostname === hostname ||
        (tokenServiceUrl !== undefined && realm.origin === new URL(tokenServiceUrl).origin),
    });

  return {
    account,
    async with(credentials) {
      await readCa();
      return clientFor(credentials);
    },
    async as(field) {
      const found = await account(field);
      const credentials = found && { username: found.username, password: found.password.reveal() };
      const ca = await readCa();
      const fingerprint = createHash("sha256")
        .update(JSON.stringify([ca, credentials]))
        .digest("base64");
      const known = clients.get(field);
      if (known?.fingerprint === fingerprint && performance.now() - known.since < clientMs) return known.client;
      const client = clientFor(credentials);
      clients.set(field, { fingerprint, client, since: performance.now() });
      return client;
    },
  };
}
