import { type IncomingMessage, request } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { platform } from "../../../functions/kubernetes/index.ts";
import { type Authority, createAuthority } from "../../emulators/azure/http/certificates.ts";
import { type Listening, listen } from "../../emulators/azure/http/listen.ts";
import { openSuite } from "../../support/suite.ts";
import { type MountedSecret, mountSecret } from "../support/files.ts";
import { startMannered } from "../support/manners.ts";
import { startTunnelProxy } from "../support/tunnel.ts";

let authority: Authority;
let ca: MountedSecret;
let stack: Awaited<ReturnType<typeof startMannered>>;
/** The registry and its token service, each behind TLS on a host of its own. */
let registry: Listening;
let tokens: Listening;
let arrived: { at: "registry" | "tokens"; port: number | undefined }[] = [];

beforeAll(async () => {
  authority = await createAuthority();
  ca = await mountSecret({ "ca.crt": authority.ca });
  stack = await startMannered({});
  tokens = await secured("tokens", new URL(stack.tokens.realm).origin, (text) => text);
  registry = await secured("registry", stack.registry.url, (text) =>
    text.replace(new URL(stack.tokens.realm).origin, tokens.url),
  );
});
beforeEach(() => {
  arrived = [];
});
afterAll(async () => {
  await registry?.close();
  await tokens?.close();
  await stack?.stop();
  await ca?.remove();
});

/** Ends TLS before a server, and notes from which port each request came. */
function secured(at: "registry" | "tokens", upstream: string, challengeOf: (text: string) => string) {
  return listen((req: IncomingMessage, res) => {
    arrived.push({ at, port: req.socket.remotePort });
    const onward = request(`${upstream}${req.url}`, { method: req.method, headers: req.headers }, (answer) => {
      const challenge = answer.headers["www-authenticate"];
      res.writeHead(answer.statusCode ?? 500, {
        ...answer.headers,
        ...(challenge !== undefined && { "www-authenticate": challengeOf(challenge) }),
      });
      answer.pipe(res);
    });
    req.pipe(onward);
  }, authority.server);
}

function suiteWith(env: Record<string, string>) {
  const more = { registryUrl: registry.url, tokenServiceUrl: tokens.url, caFile: ca.path("ca.crt") };
  return openSuite(platform, { ALIEN_IMAGES_BINDING: stack.binding("images", more), ...env });
}

const mint = { repoId: "app", permissions: "push-pull" };
const hostOf = ({ url }: Listening) => new URL(url).host;

test("registry and token service are reached through the tunnels of HTTPS_PROXY, and never beside them", async () => {
  const proxy = await startTunnelProxy();
  const suite = suiteWith({ HTTPS_PROXY: proxy.url });
  expect((await suite.ask("createRepository", { name: "app" })).status).toBe(200);
  expect((await suite.ask("generateCredentials", mint)).status).toBe(200);
  expect(new Set(proxy.tunnels)).toEqual(new Set([hostOf(registry), hostOf(tokens)]));
  expect(new Set(arrived.map(({ at }) => at))).toEqual(new Set(["registry", "tokens"]));
  expect(arrived.filter(({ port }) => !proxy.opened(port))).toEqual([]);
});

test("the certificates are still those of the registry", async () => {
  const proxy = await startTunnelProxy();
  const binding = stack.binding("images", { registryUrl: registry.url, tokenServiceUrl: tokens.url });
  const suite = openSuite(platform, { ALIEN_IMAGES_BINDING: binding, HTTPS_PROXY: proxy.url });
  const { body } = await suite.ask("createRepository", { name: "app" });
  expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", context: { field: "caFile" } });
  expect([proxy.tunnels.length > 0, arrived]).toEqual([true, []]);
});

test.each(["127.0.0.1", "10.0.0.0/8,127.0.0.0/8"])("NO_PROXY %s names what is reached directly", async (NO_PROXY) => {
  const proxy = await startTunnelProxy();
  const suite = suiteWith({ HTTPS_PROXY: proxy.url, NO_PROXY });
  expect((await suite.ask("generateCredentials", mint)).status).toBe(200);
  expect([proxy.tunnels, arrived.length > 0]).toEqual([[], true]);
});

test("a proxy that opens no tunnel is told as an address that does not answer", async () => {
  const suite = suiteWith({ HTTPS_PROXY: "http://127.0.0.1:9" });
  const { body } = await suite.ask("getRepository", { repoId: "app" });
  expect(body).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryable: true });
  expect(arrived).toEqual([]);
});
