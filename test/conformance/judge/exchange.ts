import { basic, parseChallenge } from "./challenge.ts";
import * as expect from "./expect.ts";
import type { Answer } from "./http.ts";
import type { Registry } from "./registry.ts";

export type Issued = { token?: string; access_token?: string; expires_in?: number; issued_at?: string };

export async function endpoint(registry: Registry): Promise<{ realm: string; service: string }> {
  const challenge = parseChallenge((await registry.bare("GET", "/v2/")).headers["www-authenticate"]);
  const { realm, service } = challenge?.parameters ?? {};
  if (realm === undefined || service === undefined) throw new Error("/v2/ does not tell where tokens are had");
  return { realm, service };
}

const authorization = ({ credentials }: Registry) => ({
  Authorization: basic(credentials ?? { username: "", password: "" }),
});

export async function get(
  registry: Registry,
  scopes: readonly string[],
  headers = authorization(registry),
): Promise<Answer> {
  const { realm, service } = await endpoint(registry);
  const query = new URLSearchParams([
    ["service", service],
    ...scopes.map((scope) => ["scope", scope] as [string, string]),
  ]);
  return registry.bare("GET", `${realm}?${query}`, { headers });
}

export async function post(registry: Registry, fields: Readonly<Record<string, string>>): Promise<Answer> {
  const { realm, service } = await endpoint(registry);
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams({ service, client_id: "conformance", ...fields }).toString();
  return registry.bare("POST", realm, { headers, body });
}

export function bearer(answer: Answer): { Authorization: string } {
  expect.status(answer, 200);
  const { token, access_token } = expect.json<Issued>(answer);
  return { Authorization: `Bearer ${token ?? access_token}` };
}
