import { createHash } from "node:crypto";
import { createHttpClient } from "../../../core/http-client.ts";
import type { Environment } from "../../../core/platform.ts";
import { type Credentials, createClient, type OciClient } from "../../../oci/client/index.ts";
import type { AccountField, ExternalBinding } from "../binding.ts";
import { type Account, readAccount, readMountedFile } from "./accounts.ts";

/** Milliseconds for which a client is kept. It holds every token that it ever got, so we must let it go. */
const clientMs = 5 * 60_000;
/** How many connections to one registry there may be at a time. Further requests wait. */
const connections = 32;
/** Milliseconds in which a connection must be open. Only the signal of the call limits the rest of a request. */
const connectMs = 5_000;
/** The most bytes of an answer. The OCI client has lower limits, and its errors say better what was too large. */
const answerAtMost = 64 * 1024 * 1024;

/** Connects to a registry. The files of its binding are read as they are at the moment. */
export interface Connection {
  /** A client that uses an account of the binding. It is anonymous if the binding does not name that account. */
  as(field: AccountField): Promise<OciClient>;
  /** A client that uses other credentials than the binding's, or is anonymous. */
  with(credentials: Credentials | undefined): Promise<OciClient>;
  /** Reads an account of the binding; undefined if the binding does not name it. @throws BINDING_CONFIG_INVALID */
  account(field: AccountField): Promise<Account | undefined>;
}

interface Kept {
  readonly fingerprint: string;
  readonly client: OciClient;
  readonly since: number;
}

/** Opens the connection to the registry of a binding. @param env the proxies to use */
export function createConnection(binding: ExternalBinding, env: Environment): Connection {
  const { registryUrl, tokenServiceUrl, caFile } = binding;
  const { host, hostname } = new URL(registryUrl);
  const place = [host, binding.repositoryPrefix].filter(Boolean).join("/");
  const clients = new Map<AccountField, Kept>();
  const { fetch } = createHttpClient({ env, caFile, connections, connectMs, answerAtMost });

  const account: Connection["account"] = async (field) => {
    const files = binding[field];
    return files && readAccount(files, field, place);
  };

  // We read the file here, too: if it cannot be read, the error must say that the binding is wrong, and not the network.
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
