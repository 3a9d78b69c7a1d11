import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { platform as azurePlatform } from "../../../functions/azure/index.ts";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { useStack } from "../../azure/support/registry.ts";
import { accessToken, registryClient } from "../../emulators/azure/support.ts";
import { subjectOf } from "../../emulators/kubernetes/service-accounts.ts";
import { buildImage } from "../../oci/client/images.ts";
import { serve, temporaryFolder } from "../support/container.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { everythingFor } from "../support/grants.ts";
import { authsOf, ourLabel, podEnvironment, refresh, refresher, secretName, startCluster } from "../support/refresh.ts";

/** Pull secrets for Azure Container Registry, whose credentials are bearers: a node logs in with them under the user that means a token. */
const stack = useStack();
const audience = "artifact-registry";

test("a node pulls from Azure Container Registry with what the refresher has written", async () => {
  const cluster = await startCluster();
  const { azure, registryName, identity, loginServer } = stack();
  cluster.api.grants = [
    { subject: subjectOf(refresher), namespace: "apps", resourceName: secretName, verbs: ["get", "update"] },
  ];
  cluster.api.secrets.write("apps", secretName, { metadata: { labels: ourLabel } });
  const pod = await podEnvironment(cluster);
  const tokenFile = join(await temporaryFolder(), "token");
  await writeFile(tokenFile, await cluster.accounts.token(refresher, { audience }));
  const issuer = {
    issuer: cluster.accounts.issuer,
    audience,
    jwksUri: `${cluster.api.url}/openid/v1/jwks`,
    caFile: pod.KUBERNETES_CA_FILE,
    tokenFile: pod.KUBERNETES_TOKEN_FILE,
  };
  const served = await serve(
    {
      ...stack().env(),
      ALIEN_IMAGES_BINDING: stack().binding("images"),
      ALIEN_OIDC_ISSUERS: JSON.stringify([issuer]),
      ALIEN_ACCESS_RULES: everythingFor(cluster.accounts.issuer, subjectOf(refresher)),
    },
    azurePlatform,
  );
  const name = "images/my-app";
  const image = buildImage({ seed: "pulled by a node" });
  const pusher = await accessToken(azure, registryName, identity, `repository:${name}:pull,push`);
  await pushImage(registryClient(azure, registryName, pusher), name, "1.0", image);

  const run = await refresh(fakePlatform(), { ...pod, FUNCTION_URL: served.url, FUNCTION_TOKEN_FILE: tokenFile });
  expect([run.code, run.last.level]).toEqual([0, "info"]);
  const auths = authsOf(cluster.api.secrets.get("apps", secretName).data);
  expect(Object.keys(auths)).toEqual([`${loginServer}/${name}`]);
  const { username = "", password = "" } = auths[`${loginServer}/${name}`] ?? {};
  expect(username).toBe("00000000-0000-0000-0000-000000000000");
  expect(run.log).not.toContain(password);
  // As the kubelet does it: Basic, at the registry's own token service.
  const node = createClient({ url: azure.registryUrl(registryName), credentials: { username, password } });
  expect(await pullImage(node, name, "1.0")).toEqual(image);
  await cluster.api.stop();
});
