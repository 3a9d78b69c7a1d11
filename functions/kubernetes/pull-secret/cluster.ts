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

/** One request to the API. */
interface Request<Schema extends v.GenericSchema> {
  /** The right that it needs, as `get of the Secret apps/pull`. */
  readonly right: string;
  /** The hint where that right is missing, if it says more than the right. */
  readonly denied?: string;
  /** What the answer holds, as errors name it. */
  readonly kind: string;
  readonly schema: Schema;
  readonly path: string;
  readonly method?: "PUT" | "PATCH" | "POST";
  readonly contentType?: string;
  readonly body?: object;
}

/** Everybody who reads the Secret also updates it. */
const readAndUpdate = "Its Role must allow get and update on exactly this Secret.";

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

  function ask<Schema extends v.GenericSchema>(request: Request<Schema>, call: Call): Promise<v.InferOutput<Schema>> {
    const { right, kind, schema, path, method = "GET", contentType = "application/json", body } = request;
    return call.upstream(`The cluster's ${right}`, async (signal) => {
      const content = body && { headers: { "content-type": contentType }, body: JSON.stringify(body) };
      const response = await fetch(`${root}/${path}`, { method, ...content, signal }).catch((cause: unknown) => {
        throw unreachable(cause);
      });
      if (response.status !== 200 && response.status !== 201) throw toError(response, request);
      const answer = v.safeParse(schema, await response.json().catch(() => undefined));
      if (answer.success) return answer.output;
      throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", `The cluster's API answered with no ${kind}.`);
    });
  }

  const askSecret = (
    verb: string,
    { namespace, name }: Name,
    call: Call,
    more: Partial<Request<typeof secretSchema>>,
  ) => {
    const path = `namespaces/${namespace}/secrets/${name}`;
    const right = `${verb} of the Secret ${namespace}/${name}`;
    return ask({ right, kind: "Secret", schema: secretSchema, path, ...more }, call);
  };
  return {
    getSecret: (namespace, name, call) => askSecret("get", { namespace, name }, call, { denied: readAndUpdate }),
    async replaceSecret(secret, call) {
      await askSecret("update", secret.metadata, call, { method: "PUT", body: secret, denied: readAndUpdate });
    },
    async applySecret(secret, call) {
      const { namespace, name } = secret.metadata;
      const path = `namespaces/${namespace}/secrets/${name}?fieldManager=${component}`;
      const sending = { method: "PATCH", contentType: "application/apply-patch+yaml", body: secret } as const;
      await askSecret("create", secret.metadata, call, { path, ...sending });
    },
    async listNamespaces(labelSelector, call) {
      const names: string[] = [];
      let next: string | undefined;
      do {
        const query = new URLSearchParams({ labelSelector, limit: "500", ...(next && { continue: next }) });
        const { items, metadata } = await ask(
          {
            right: "list of the namespaces",
            kind: "namespaces",
            schema: namespaceList,
            path: `namespaces?${query}`,
          },
          call,
        );
        names.push(...items.filter(({ status }) => status?.phase !== "Terminating").map((each) => each.metadata.name));
        next = metadata.continue;
      } while (next);
      return names;
    },
    async addPullSecret(namespace, serviceAccount, secret, call) {
      await ask(
        {
          right: `patch of the ServiceAccount ${namespace}/${serviceAccount}`,
          kind: "ServiceAccount",
          schema: anything,
          path: `namespaces/${namespace}/serviceaccounts/${serviceAccount}`,
          method: "PATCH",
          contentType: "application/strategic-merge-patch+json",
          // The list is merged by the names in it (Kubernetes' API, `patchMergeKey` of `imagePullSecrets`).
          body: { imagePullSecrets: [{ name: secret }] },
        },
        call,
      );
    },
    async createEvent(namespace, { secret, type, reason, message }, call) {
      const now = call
        .now()
        .toISOString()
        .replace(/\.\d+Z$/, "Z");
      await ask(
        {
          right: `create of an event for ${namespace}/${secret}`,
          kind: "event",
          schema: anything,
          path: `namespaces/${namespace}/events`,
          method: "POST",
          body: {
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
          },
        },
        call,
      );
    },
  };
}

interface Name {
  readonly namespace: string;
  readonly name: string;
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

const codes: Readonly<Record<number, { code: ErrorCode; hint?: string }>> = {
  401: { code: "AUTHENTICATION_ERROR", hint: "The pod's token must be for the API server, and must not have expired." },
  403: { code: "ACCESS_DENIED" },
  404: {
    code: "RESOURCE_NOT_FOUND",
    hint: "Create it first, or set PULL_SECRET_CREATE=true and give the refresher the rights to create and patch exactly this Secret.",
  },
  409: { code: "RESOURCE_CONFLICT", hint: "Somebody else changed the Secret at the same time." },
};

/** The API's own message is left out, because it may quote what was sent. */
function toError(
  { status, headers }: Response,
  { right, denied = `Its Role must allow the ${right}.` }: Pick<Request<v.GenericSchema>, "right" | "denied">,
): ArtifactRegistryError {
  const known = codes[status];
  const hint = status === 403 ? denied : known?.hint;
  const wait = Number(headers.get("retry-after") ?? Number.NaN);
  const busy = status === 429 || status >= 500;
  return new ArtifactRegistryError(
    known?.code ?? (busy ? "SERVICE_UNAVAILABLE" : "UNEXPECTED_RESPONSE_FORMAT"),
    `The cluster's API answered ${status} to ${right}.`,
    { retryable: busy, retryAfterSeconds: wait, ...(hint !== undefined && { hint }) },
  );
}
