import { readFileSync } from "node:fs";
import * as v from "valibot";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, type ErrorCode } from "../../../core/errors.ts";
import { createHttpClient } from "../../../core/http-client.ts";
import type { Environment } from "../../../core/platform.ts";
import { settingRefused } from "../../../core/server/process.ts";

/** The cluster that this pod runs in, as far as a refresher needs it. Each method needs one right, which its comment names. */
export interface Cluster {
  /** `get` of this Secret. @throws RESOURCE_NOT_FOUND, ACCESS_DENIED */
  getSecret(namespace: string, name: string, call: Call): Promise<ClusterSecret>;
  /** `update` of this Secret. @throws RESOURCE_CONFLICT if the Secret has changed since it was read */
  replaceSecret(secret: ClusterSecret, call: Call): Promise<void>;
  /**
   * `create` and `patch` of this Secret. We make it by server-side apply, since a right to create can be bound to a name there
   * (kubernetes, apiserver `handlers/patch.go`: the attributes of the create hold the name), and nowhere else.
   */
  applySecret(secret: NewSecret, call: Call): Promise<void>;
  /** `list` of namespaces. @returns the names of those with these labels that are not being deleted */
  listNamespaces(labelSelector: string, call: Call): Promise<string[]>;
  /** `patch` of this ServiceAccount, to whose `imagePullSecrets` the Secret is added. */
  addPullSecret(namespace: string, serviceAccount: string, secret: string, call: Call): Promise<void>;
  /** `create` of events. */
  createEvent(namespace: string, event: EventContent, call: Call): Promise<void>;
}

export interface EventContent {
  /** The Secret that it is about. */
  readonly secret: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  /** At most 1,024 characters. */
  readonly message: string;
}

const secretSchema = v.looseObject({
  kind: v.literal("Secret"),
  type: v.string(),
  metadata: v.looseObject({
    name: v.string(),
    namespace: v.string(),
    resourceVersion: v.string(),
    labels: v.optional(v.record(v.string(), v.string())),
    annotations: v.optional(v.record(v.string(), v.string())),
  }),
  data: v.optional(v.record(v.string(), v.string())),
});
const namespaceList = v.looseObject({
  kind: v.literal("NamespaceList"),
  metadata: v.looseObject({ continue: v.optional(v.string()) }),
  items: v.array(
    v.looseObject({
      metadata: v.looseObject({ name: v.string() }),
      status: v.optional(v.looseObject({ phase: v.optional(v.string()) })),
    }),
  ),
});
const anything = v.looseObject({ kind: v.string() });

export type ClusterSecret = v.InferOutput<typeof secretSchema>;
/** A Secret that the cluster does not have yet. */
export interface NewSecret {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
}

/** The folder in which the kubelet mounts the pod's own account (Kubernetes, "Accessing the Kubernetes API from a Pod"). */
const mounted = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Who writes, as the cluster notes it. */
const component = "artifact-registry-refresher";

interface Sending {
  readonly method: "PUT" | "PATCH" | "POST";
  readonly contentType?: string;
  readonly body: object;
}

/** @throws BINDING_CONFIG_INVALID outside a cluster */
export function openCluster(env: Environment): Cluster {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = env;
  if (!host) throw settingRefused("KUBERNETES_SERVICE_HOST is missing, so this is not a pod of a cluster.");
  const root = `https://${host.includes(":") ? `[${host}]` : host}:${port}/api/v1`;
  const { fetch } = createHttpClient({
    env,
    caFile: env.KUBERNETES_CA_FILE || `${mounted}/ca.crt`,
    tokenFile: env.KUBERNETES_TOKEN_FILE || `${mounted}/token`,
  });

  /** Sends one request. `what` is the verb and the object, as `get of the Secret apps/pull`. */
  function ask<Schema extends v.GenericSchema>(
    what: string,
    path: string,
    schema: Schema,
    call: Call,
    sending?: Sending,
  ): Promise<v.InferOutput<Schema>> {
    return call.upstream(`The cluster's ${what}`, async (signal) => {
      const headers = { "content-type": sending?.contentType ?? "application/json" };
      const init = sending && { method: sending.method, headers, body: JSON.stringify(sending.body) };
      const response = await fetch(`${root}/${path}`, { ...init, signal }).catch((cause: unknown) => {
        throw unreachable(cause);
      });
      if (response.status !== 200 && response.status !== 201) throw toError(response, what);
      const answer = v.safeParse(schema, await response.json().catch(() => undefined));
      if (answer.success) return answer.output;
      const [kind = ""] = / (Secret|namespaces|ServiceAccount|event)/.exec(what)?.slice(1) ?? [];
      throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", `The cluster's API answered with no ${kind}.`);
    });
  }

  const pathOf = (namespace: string, name: string) => `namespaces/${namespace}/secrets/${name}`;
  return {
    getSecret: (namespace, name, call) =>
      ask(`get of the Secret ${namespace}/${name}`, pathOf(namespace, name), secretSchema, call),
    async replaceSecret(secret, call) {
      const { namespace, name } = secret.metadata;
      const sending = { method: "PUT", body: secret } as const;
      await ask(`update of the Secret ${namespace}/${name}`, pathOf(namespace, name), secretSchema, call, sending);
    },
    async applySecret(secret, call) {
      const { namespace, name } = secret.metadata;
      const sending = { method: "PATCH", contentType: "application/apply-patch+yaml", body: secret } as const;
      const path = `${pathOf(namespace, name)}?fieldManager=${component}`;
      await ask(`create of the Secret ${namespace}/${name}`, path, secretSchema, call, sending);
    },
    async listNamespaces(labelSelector, call) {
      const names: string[] = [];
      let next: string | undefined;
      do {
        const query = new URLSearchParams({ labelSelector, limit: "500", ...(next && { continue: next }) });
        const { items, metadata } = await ask("list of the namespaces", `namespaces?${query}`, namespaceList, call);
        names.push(...items.filter(({ status }) => status?.phase !== "Terminating").map((each) => each.metadata.name));
        next = metadata.continue;
      } while (next);
      return names;
    },
    async addPullSecret(namespace, serviceAccount, secret, call) {
      // The list is merged by the names in it (Kubernetes' API, `patchMergeKey` of `imagePullSecrets`).
      const body = { imagePullSecrets: [{ name: secret }] };
      const sending = { method: "PATCH", contentType: "application/strategic-merge-patch+json", body } as const;
      const what = `patch of the ServiceAccount ${namespace}/${serviceAccount}`;
      await ask(what, `namespaces/${namespace}/serviceaccounts/${serviceAccount}`, anything, call, sending);
    },
    async createEvent(namespace, { secret, type, reason, message }, call) {
      const now = call
        .now()
        .toISOString()
        .replace(/\.\d+Z$/, "Z");
      const body = {
        apiVersion: "v1",
        kind: "Event",
        metadata: { generateName: `${secret.slice(0, 200)}.`, namespace },
        involvedObject: { apiVersion: "v1", kind: "Secret", namespace, name: secret },
        type,
        reason,
        message: message.slice(0, 1_024),
        source: { component },
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      };
      const what = `create of an event for ${namespace}/${secret}`;
      await ask(what, `namespaces/${namespace}/events`, anything, call, { method: "POST", body });
    },
  };
}

/** Reads the namespace of this pod. @throws BINDING_CONFIG_INVALID */
export function ownNamespace(env: Environment): string {
  const file = env.KUBERNETES_NAMESPACE_FILE || `${mounted}/namespace`;
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    throw settingRefused("PULL_SECRET_NAMESPACE is missing, and no namespace is mounted.");
  }
}

function unreachable(cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("SERVICE_UNAVAILABLE", "The cluster's API cannot be reached.", {
    retryable: true,
    hint: "Check the network policy, and the mounted CA and token.",
    cause,
  });
}

const codes: Readonly<Record<number, { code: ErrorCode; hint: string }>> = {
  401: { code: "AUTHENTICATION_ERROR", hint: "The pod's token must be for the API server, and must not have expired." },
  403: { code: "ACCESS_DENIED", hint: "Its Role must allow get and update on exactly this Secret." },
  404: {
    code: "RESOURCE_NOT_FOUND",
    hint: "Create it first, or set PULL_SECRET_CREATE=true and give the refresher the rights to create and patch exactly this Secret.",
  },
  409: { code: "RESOURCE_CONFLICT", hint: "Somebody else changed the Secret at the same time." },
};

/** The API's own message is left out, because it may quote what was sent. */
function toError(response: Response, what: string): ArtifactRegistryError {
  const { status } = response;
  const known = codes[status];
  const hint =
    status === 403 && !/(?:get|update) of the Secret/.test(what) ? `Its Role must allow the ${what}.` : known?.hint;
  const wait = Number(response.headers.get("retry-after") ?? Number.NaN);
  const busy = status === 429 || status >= 500;
  return new ArtifactRegistryError(
    known?.code ?? (busy ? "SERVICE_UNAVAILABLE" : "UNEXPECTED_RESPONSE_FORMAT"),
    `The cluster's API answered ${status} to ${what}.`,
    { retryable: busy, retryAfterSeconds: wait, ...(hint !== undefined && { hint }) },
  );
}
