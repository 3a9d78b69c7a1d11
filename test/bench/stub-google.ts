import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const token = { access_token: "token", expires_in: 3_600, token_type: "Bearer" };
const minted = () => ({ accessToken: "password", expireTime: new Date(Date.now() + 3_600_000).toISOString() });

/**
 * Answers as the metadata server, and generateAccessToken, without thinking, so that only the function's own time is
 * measured.
 */
export async function startStub(): Promise<{ readonly host: string; stop(): void }> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.setHeader("content-type", "application/json");
      if (request.method === "GET") response.setHeader("metadata-flavor", "Google");
      response.end(JSON.stringify(request.method === "GET" ? token : minted()));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
