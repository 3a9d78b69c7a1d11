import { readFileSync } from "node:fs";
import * as v from "valibot";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, type ErrorCode } from "../../../core/errors.ts";
import { createHttpClient } from "../../../core/http-client.ts";
import type { Environment } from "../../../core/platform.ts";
import { settingRefused } from "../../../core/server/process.ts";

/** Secrets of the cluster that this pod runs in. */
export interface ClusterSecrets {
  /** @throws RESOURCE_NOT_FOUND, ACCESS_DENIED */
  get(namespace: string, name: string, call: Call): Promise<ClusterSecret>;
  /** @throws RESOURCE_CONFLICT if the Secret has changed since it was read */
  replace(secret: ClusterSecret, call: Call): Promise<void>;
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

export type ClusterSecret = v.InferOutput<typeof secretSchema>;

/** The folder in which the kubelet mounts the pod's own account (Kubernetes, "Accessing the Kubernetes API from a Pod"). */
const mounted = "/var/run/secrets/kubernetes.io/serviceaccount";

/** @throws BINDING_CONFIG_INVALID outside a cluster */
export function openCluster(env: Environment): ClusterSecrets {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = env;
  if (!host) throw settingRefused("KUBERNETES_SERVICE_HOST is missing, so this is not a pod of a cluster.");
  const root = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const { fetch } = createHttpClient({
    env,
    caFile: env.KUBERNETES_CA_FILE || `${mounted}/ca.crt`,
    tokenFile: env.KUBERNETES_TOKEN_FILE || `${mounted}/token`,
  });
  const ask = (verb: "get" | "update", { namespace, name }: Name, call: Call, body?: object) =>
    call.upstream(`The cluster's ${verb} of the Secret ${namespace}/${name}`, async (signal) => {
      const url = `${root}/api/v1/namespaces/${namespace}/secrets/${name}`;
      const init = body
        ? { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal }
        : { signal };
      const response = await fetch(url, init).catch((cause: unknown) => {
        throw unreachable(cause);
      });
      if (response.status !== 200) throw toError(response, verb, { namespace, name });
      const secret = v.safeParse(secretSchema, await response.json().catch(() => undefined));
      if (secret.success) return secret.output;
      throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "The cluster's API answered with no Secret.");
    });
  return {
    get: (namespace, name, call) => ask("get", { namespace, name }, call),
    replace: async (secret, call) => void (await ask("update", secret.metadata, call, secret)),
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

const codes: Readonly<Record<number, { code: ErrorCode; hint: string }>> = {
  401: { code: "AUTHENTICATION_ERROR", hint: "The pod's token must be for the API server, and must not have expired." },
  403: { code: "ACCESS_DENIED", hint: "Its Role must allow get and update on exactly this Secret." },
  404: {
    code: "RESOURCE_NOT_FOUND",
    hint: "Create it first, as the chart does. The refresher may not, because a right to create Secrets covers any Secret.",
  },
  409: { code: "RESOURCE_CONFLICT", hint: "Somebody else changed the Secret at the same time." },
};

/** The API's own message is left out, because it may quote what was sent. */
function toError(response: Response, verb: string, { namespace, name }: Name): ArtifactRegistryError {
  const { status } = response;
  const known = codes[status];
  const wait = Number(response.headers.get("retry-after") ?? Number.NaN);
  const busy = status === 429 || status >= 500;
  return new ArtifactRegistryError(
    known?.code ?? (busy ? "SERVICE_UNAVAILABLE" : "UNEXPECTED_RESPONSE_FORMAT"),
    `The cluster's API answered ${status} to ${verb} of the Secret ${namespace}/${name}.`,
    { retryable: busy, retryAfterSeconds: wait, ...(known && { hint: known.hint }) },
  );
}
