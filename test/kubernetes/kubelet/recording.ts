import { decodeJwt } from "jose";
import { expect } from "vitest";

/** What went over each wire, as it was. */
export interface Exchange {
  readonly tokenRequest: object | undefined;
  readonly request: string;
  readonly response: string;
  readonly function: { sent: string; answered: string; authorization: string } | undefined;
  /** Digests of what the registry gave. */
  readonly pulled: readonly string[];
  /** `host:port` of the registry. */
  readonly registry: string;
}

/**
 * An exchange as people read it. Tokens and passwords are replaced by what they are, and what differs from run to run (ports, ids,
 * times) by a name; that the times fit together is checked here.
 */
export function recording({ tokenRequest, request, response, function: asked, pulled, registry }: Exchange): string {
  const { serviceAccountToken, ...rest } = JSON.parse(request);
  const answered = JSON.parse(asked?.answered ?? "");
  const provided = JSON.parse(response);
  expect(asked?.authorization).toBe(`Bearer ${serviceAccountToken}`);
  const [[uri, login] = []] = Object.entries<{ username: string; password: string }>(provided.auth);
  expect(login?.password).toBe(answered.password);
  // An hour, less a tenth, less what the work took.
  const kept = /^(\d+)m(\d+)s$/.exec(provided.cacheDuration) ?? [];
  expect(Number(kept[1]) * 60 + Number(kept[2])).toBeLessThanOrEqual(54 * 60);
  const { sub, aud, "kubernetes.io": bound } = decodeJwt(serviceAccountToken);
  const { access } = decodeJwt(answered.password);
  const steps: readonly (readonly [string, unknown])[] = [
    ["1. The kubelet asks the API server for a token of the pod's service account (TokenRequest)", tokenRequest],
    [
      "2. The kubelet starts the provider; its standard input",
      { ...rest, serviceAccountToken: { "[a JWT with]": { sub, aud, "kubernetes.io": bound } } },
    ],
    [
      "3. The provider asks the function: POST /v1/generateCredentials, Authorization: Bearer [that token]",
      JSON.parse(asked?.sent ?? ""),
    ],
    [
      "4. The function answers 200",
      {
        ...answered,
        password: { "[a JWT with]": { access } },
        expiresAt: "[in an hour]",
        credentialId: "[an id]",
      },
    ],
    [
      "5. The provider's standard output",
      {
        ...provided,
        cacheDuration: "[54 minutes, less what the work took]",
        auth: { [uri ?? ""]: { ...login, password: "[that password]" } },
      },
    ],
    ["6. The runtime pulls with it, and gets", pulled],
  ];
  const text = steps.map(([title, body]) => `${title}\n${written(body)}\n`).join("\n");
  return text.replaceAll(registry, "registry.example:5050");
}

/** JSON whose innermost objects and lists take one line each, as people write it. */
function written(value: unknown, indent = ""): string {
  const line = JSON.stringify(value);
  if (typeof value !== "object" || value === null || line.length + indent.length < 80) return line;
  const inner = `${indent}  `;
  const members = Array.isArray(value)
    ? value.map((each) => written(each, inner))
    : Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${written(each, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${members.map((each) => inner + each).join(",\n")}\n${indent}${close}`;
}
