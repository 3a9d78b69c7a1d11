import { refuse } from "./status.ts";

export interface StoredEvent {
  readonly metadata: { readonly namespace: string; readonly generateName: string };
  readonly involvedObject: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** Namespaces, ServiceAccounts and Events of a cluster, as far as pods of ours see them. */
export function createObjects() {
  const events: StoredEvent[] = [];
  const namespaces = new Map<string, { labels: Record<string, string>; phase: "Active" | "Terminating" }>();
  const accounts = new Map<string, { imagePullSecrets: { name: string }[] }>();
  return {
    events,
    namespaces,
    /** By `namespace/name`. */
    accounts,
    /** Pages as the API server's `limit` and `continue` do, but of at most two. */
    listNamespaces(query: URLSearchParams): object {
      const wanted = requirements(query.get("labelSelector") ?? "");
      const found = [...namespaces].filter(([, { labels }]) =>
        wanted.every(([key, value]) => key in labels && (value === undefined || labels[key] === value)),
      );
      const from = Number(query.get("continue") ?? 0);
      const size = Math.min(2, Number(query.get("limit") ?? 2));
      const items = found
        .slice(from, from + size)
        .map(([name, { labels, phase }]) => ({ metadata: { name, labels }, status: { phase } }));
      const more = from + size < found.length ? { continue: String(from + size) } : {};
      return { kind: "NamespaceList", apiVersion: "v1", metadata: more, items };
    },
    /** A strategic merge patch: `imagePullSecrets` is merged by the names in it. */
    patchAccount(namespace: string, name: string, patch: { imagePullSecrets?: { name: string }[] }): object {
      const account = accounts.get(`${namespace}/${name}`);
      if (account === undefined) throw refuse(404, "NotFound", `serviceaccounts "${name}" not found`);
      for (const each of patch.imagePullSecrets ?? []) {
        if (!account.imagePullSecrets.some((one) => one.name === each.name)) account.imagePullSecrets.unshift(each);
      }
      return { kind: "ServiceAccount", apiVersion: "v1", metadata: { name, namespace }, ...account };
    },
    /** What `ValidateEventCreate` of the API server asks of an event of `v1`, and of any object. */
    createEvent(namespace: string, event: StoredEvent): object {
      const { generateName } = event.metadata;
      if (typeof generateName !== "string" || !/^[a-z0-9][-a-z0-9.]*$/.test(generateName)) {
        throw refuse(422, "Invalid", "metadata.name: Required value: name or generateName is required");
      }
      if (event.metadata.namespace !== namespace || event.involvedObject.namespace !== namespace) {
        throw refuse(422, "Invalid", "involvedObject.namespace: Invalid value: does not match event.namespace");
      }
      if (event.message.length > 1_024) throw refuse(422, "Invalid", "message: can have at most 1024 characters");
      events.push(event);
      return { ...event, kind: "Event", apiVersion: "v1" };
    },
  };
}

function requirements(selector: string): [key: string, value: string | undefined][] {
  return selector
    .split(",")
    .filter(Boolean)
    .map((each) => {
      const [, key, value] = /^([A-Za-z0-9./_-]+)(?:={1,2}([A-Za-z0-9._-]*))?$/.exec(each.trim()) ?? [];
      if (key === undefined) throw refuse(400, "BadRequest", "unable to parse requirement");
      return [key, value];
    });
}
