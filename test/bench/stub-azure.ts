import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
/** A token that says what it grants; nobody here verifies who signed it. */
const token = (claims: object) =>
  `${part({ alg: "RS256", typ: "JWT" })}.${part({ exp: Math.floor(Date.now() / 1_000) + 3_600, ...claims })}.c2lnbmF0dXJl`;

/**
 * Answers as the managed identity's endpoint, and as the token service of a registry, without thinking, so that only the
 * function's own time is measured.
 */
export async function startStub(): Promise<{ readonly url: string; stop(): void }> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://stub");
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(answer(pathname, searchParams.get("resource") ?? "")));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function answer(pathname: string, resource: string): object {
  if (pathname === "/msi/token") {
    const expires_on = String(Math.floor(Date.now() / 1_000) + 86_400);
    return { access_token: "token", expires_on, resource, token_type: "Bearer" };
  }
  if (pathname === "/oauth2/exchange") return { refresh_token: token({}) };
  return {
    access_token: token({
      access: [{ type: "repository", name: "images/my-app", actions: ["pull", "metadata_read"] }],
    }),
  };
}
