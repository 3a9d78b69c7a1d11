import { writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../../emulators/azure/http/listen.ts";
import { subjectOf } from "../../emulators/kubernetes/service-accounts.ts";
import { serve, temporaryFolder } from "../support/container.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { everythingFor } from "../support/grants.ts";
import {
  authsOf,
  grant,
  ourLabel,
  podEnvironment,
  refresh,
  refresher,
  secretName,
  startCluster,
} from "../support/refresh.ts";
import { startTunnelProxy } from "../support/tunnel.ts";

test("the function is asked through the tunnel of HTTPS_PROXY, and the cluster's API as NO_PROXY says", async () => {
  const audience = "artifact-registry";
  const cluster = await startCluster();
  onTestFinished(() => cluster.api.stop());
  cluster.api.grants = [grant];
  cluster.api.secrets.write("apps", secretName, { metadata: { labels: ourLabel } });
  const env = await podEnvironment(cluster);
  const tokenFile = join(await temporaryFolder(), "token");
  await writeFile(tokenFile, await cluster.accounts.token(refresher, { audience }));
  const [caFile, ownToken] = [env.KUBERNETES_CA_FILE, env.KUBERNETES_TOKEN_FILE];
  const jwksUri = `${cluster.api.url}/openid/v1/jwks`;
  const issuer = { issuer: cluster.accounts.issuer, audience, jwksUri, caFile, tokenFile: ownToken };
  const served = await serve(
    {
      ALIEN_OIDC_ISSUERS: JSON.stringify([issuer]),
      ALIEN_ACCESS_RULES: everythingFor(cluster.accounts.issuer, subjectOf(refresher)),
    },
    fakePlatform(),
  );
  const arrived: (number | undefined)[] = [];
  const front = await listen((req, res) => {
    arrived.push(req.socket.remotePort);
    const options = { method: req.method, headers: req.headers };
    const onward = request(`${served.url}${req.url}`, options, (answer) => {
      res.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(res);
    });
    req.pipe(onward);
  }, cluster.authority.server);
  onTestFinished(() => front.close());

  const proxy = await startTunnelProxy();
  const run = await refresh(fakePlatform(), {
    ...env,
    FUNCTION_URL: front.url,
    FUNCTION_TOKEN_FILE: tokenFile,
    FUNCTION_CA_FILE: String(caFile),
    HTTPS_PROXY: proxy.url,
    NO_PROXY: new URL(cluster.api.url).host,
  });
  expect(run.code).toBe(0);
  expect(new Set(proxy.tunnels)).toEqual(new Set([new URL(front.url).host]));
  expect([arrived.length > 0, arrived.filter((port) => !proxy.opened(port))]).toEqual([true, []]);
  expect(Object.keys(authsOf(cluster.api.secrets.get("apps", secretName).data))).toEqual([
    "registry.example/images/my-app",
  ]);
});
