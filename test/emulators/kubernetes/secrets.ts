import { refuse } from "./status.ts";

/** A Secret as the API server keeps it. */
export interface StoredSecret {
  readonly apiVersion: "v1";
  readonly kind: "Secret";
  readonly type: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data: Readonly<Record<string, string>>;
}

const dockerConfig = "kubernetes.io/dockerconfigjson";

/** The Secrets of a cluster: optimistic concurrency, types that stay, and the checks of a `dockerconfigjson`. */
export function createSecrets() {
  const kept = new Map<string, StoredSecret>();
  let version = 1_000;
  const next = () => String(++version);
  const keyOf = (namespace: string, name: string) => `${namespace}/${name}`;

  const get = (namespace: string, name: string): StoredSecret => {
    const secret = kept.get(keyOf(namespace, name));
    if (!secret) throw refuse(404, "NotFound", `secrets "${name}" not found`);
    return secret;
  };
  const put = (namespace: string, name: string, sent: Partial<StoredSecret>): StoredSecret => {
    const before = get(namespace, name);
    if (sent.metadata?.name !== name) {
      throw refuse(
        400,
        "BadRequest",
        `the name of the object (${sent.metadata?.name}) does not match the name on the URL`,
      );
    }
    const asked = sent.metadata.resourceVersion;
    if (asked !== undefined && asked !== before.metadata.resourceVersion) {
      throw refuse(409, "Conflict", `Operation cannot be fulfilled on secrets "${name}": the object has been modified`);
    }
    if (sent.type !== before.type) throw refuse(422, "Invalid", "type: Invalid value: field is immutable");
    check(before.type, sent.data);
    const metadata = { ...sent.metadata, namespace, resourceVersion: next() };
    const secret: StoredSecret = {
      apiVersion: "v1",
      kind: "Secret",
      type: before.type,
      metadata,
      data: sent.data ?? {},
    };
    kept.set(keyOf(namespace, name), secret);
    return secret;
  };
  /** Server-side apply by one manager, of an object whose other fields are somebody else's. */
  const apply = (namespace: string, name: string, sent: Partial<StoredSecret>): StoredSecret => {
    if (sent.apiVersion !== "v1" || sent.kind !== "Secret") throw refuse(400, "BadRequest", "invalid object type");
    if (kept.has(keyOf(namespace, name))) {
      throw refuse(409, "Conflict", "Apply failed with 1 conflict: conflict with another manager");
    }
    check(sent.type ?? "Opaque", sent.data);
    const metadata = { ...sent.metadata, name, namespace, resourceVersion: next() };
    const { type = "Opaque", data = {} } = sent;
    kept.set(keyOf(namespace, name), { apiVersion: "v1", kind: "Secret", type, metadata, data });
    return get(namespace, name);
  };
  return {
    get,
    put,
    apply,
    has: (namespace: string, name: string) => kept.has(keyOf(namespace, name)),
    /** As another client of the cluster writes it. */
    write(namespace: string, name: string, part: { type?: string; data?: Record<string, string>; metadata?: object }) {
      const { type = dockerConfig, data = { ".dockerconfigjson": btoa('{"auths":{}}') }, metadata = {} } = part;
      const stored: StoredSecret = {
        apiVersion: "v1",
        kind: "Secret",
        type,
        metadata: { ...metadata, name, namespace, resourceVersion: next() },
        data,
      };
      kept.set(keyOf(namespace, name), stored);
    },
  };
}

function check(type: string, data: Readonly<Record<string, string>> = {}): void {
  for (const [key, value] of Object.entries(data)) {
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)) {
      throw refuse(400, "BadRequest", `data[${key}]: illegal base64 data`);
    }
  }
  if (type !== dockerConfig) return;
  const value = data[".dockerconfigjson"];
  if (value === undefined) throw refuse(422, "Invalid", "data[.dockerconfigjson]: Required value");
  try {
    JSON.parse(Buffer.from(value, "base64").toString());
  } catch {
    throw refuse(422, "Invalid", "data[.dockerconfigjson]: Invalid value: invalid JSON");
  }
}
