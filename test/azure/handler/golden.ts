import { readFileSync } from "node:fs";

export interface Claim {
  readonly typ: string;
  readonly val: string;
}

/** What App Service authentication says of the golden caller, before it is encoded. */
export interface ClientPrincipal {
  readonly auth_typ: string;
  readonly claims: readonly Claim[];
}

export const tenant = "11111111-2222-4333-8444-555555555555";
export const objectId = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
export const appId = "99999999-8888-4777-8666-555555555555";
export const goldenTopic =
  "/subscriptions/5b4b650e-28b9-4790-b3ab-ddbd88d727c4/resourceGroups/registries/providers/Microsoft.EventGrid/topics/projects";

/** The headers of the golden caller, as the platform adds them, with some of it changed. */
export function principalHeaders(change: (golden: ClientPrincipal) => unknown = (golden) => golden) {
  const text = JSON.stringify(change(read("client-principal") as ClientPrincipal));
  return { "x-ms-client-principal": Buffer.from(text).toString("base64") };
}

/** As the golden caller, with another role instead of its own. */
export function withRole(role: string) {
  return principalHeaders((golden) => ({
    ...golden,
    claims: [...golden.claims.filter(({ typ }) => typ !== "roles"), { typ: "roles", val: role }],
  }));
}

/** The event that the golden files are about, in either schema, with some of its members changed. */
export function eventIn(schema: "cloud-event" | "event-grid-event", changes: object = {}): Record<string, unknown> {
  return { ...(read(schema) as object), ...changes };
}

export function validationEvent(changes: object = {}): unknown {
  const [event] = read("validation") as object[];
  return [{ ...event, ...changes }];
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), "utf8"));
}
