import { join } from "node:path";
import { createHttpClient } from "../../../core/http-client.ts";
import { createAuthority } from "../../emulators/azure/http/certificates.ts";
import { mountAccounts, mountSecret } from "../../kubernetes/support/files.ts";
import { everythingFor } from "../../kubernetes/support/grants.ts";
import { startOurRegistry } from "../../kubernetes/support/our-registry.ts";
import { startIssuer } from "../../support/issuer.ts";
import { type Beside, besideFlood, type Flood, sendFlood } from "./flood.ts";
import { startServer } from "./server.ts";

export interface Flooded extends Beside {
  /** MiB before the flood, and at the highest. */
  readonly before: number;
  readonly peak: number;
}

interface ContainerFlood extends Omit<Flood, "url" | "head"> {
  readonly head: (token: string) => string;
}

/** What Node takes for its heap in a container of 256 MiB (`v8.getHeapStatistics()` there), wherever the flood runs. */
const heapOf256MiB = "--max-old-space-size=256 --max-semi-space-size=1";

/** The floods that a container has to bear: from somebody who knows its address, and from one who has a caller's token too. */
export const containerFloods = {
  headers: ({ connections = 12_000, bytes = 12 * 1_024 } = {}) => ({
    connections,
    bytes,
    head: (_token: string) => "POST /v1/getRepository HTTP/1.1\r\nHost: here\r\nA: ",
  }),
  bodies: ({ connections = 6_000, bytes = 58 * 1_024 } = {}) => ({
    connections,
    bytes,
    head: (token: string) =>
      `POST /v1/getRepository HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${bytes + 1}\r\n\r\n`,
  }),
} satisfies Record<string, (size?: { connections?: number; bytes?: number }) => ContainerFlood>;

/**
 * Floods the built container (`dist/kubernetes` of a checkout), and mints a credential again and again beside it.
 * Callers have no budget meanwhile: whoever has the tokens of many callers has the budgets of many.
 *
 * @param tls whether it speaks HTTPS, and is flooded over it
 */
export async function floodContainer(
  checkout: string,
  flood: ContainerFlood,
  { tls = false }: { readonly tls?: boolean } = {},
): Promise<Flooded> {
  const authority = await createAuthority();
  const files = { "ca.crt": authority.ca, "tls.crt": authority.server.cert, "tls.key": authority.server.key };
  const secret = await mountSecret(files);
  const registry = await startOurRegistry(["images"]);
  const account = registry.account(["pull", "push", "delete"]);
  const accounts = await mountAccounts({ account, pullAccount: account, pushAccount: account });
  const issuer = await startIssuer();
  const env = {
    HOST: "127.0.0.1",
    PORT: "0",
    METRICS_PORT: "0",
    NODE_OPTIONS: heapOf256MiB,
    ALIEN_CALLER_REQUESTS_PER_SECOND: "0",
    ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "suite" }]),
    ALIEN_ACCESS_RULES: everythingFor(issuer.url),
    ALIEN_IMAGES_BINDING: JSON.stringify({
      service: "external",
      registryUrl: registry.url,
      repositoryPrefix: "images",
      ...accounts.files,
    }),
    ...(tls && { TLS_CERT_FILE: secret.path("tls.crt"), TLS_KEY_FILE: secret.path("tls.key") }),
  };
  const server = await startServer(join(checkout, "dist/kubernetes/server.js"), env, /listening on (https?:[^,]+),/);
  try {
    const [url = ""] = server.said;
    const [token, own] = await Promise.all([issuer.sign({ sub: "flood" }), issuer.sign({ sub: "beside" })]);
    const http = createHttpClient({ caFile: secret.path("ca.crt") });
    const ask = async () => {
      const answer = await http.fetch(`${url}/v1/generateCredentials`, {
        method: "POST",
        headers: { authorization: `Bearer ${own}`, connection: "close" },
        body: JSON.stringify({ registry: "images", repoId: "app", permissions: "pull" }),
      });
      await answer.arrayBuffer();
      return answer.status;
    };
    await ask();
    const before = await server.peak();
    const sent: Flood = { url, connections: flood.connections, bytes: flood.bytes, head: flood.head(token) };
    const beside = await besideFlood(ask, () => sendFlood(sent));
    return { ...beside, before, peak: await server.peak() };
  } finally {
    await server.stop();
    await issuer.stop();
    await registry.stop();
    await accounts.remove();
    await secret.remove();
  }
}
