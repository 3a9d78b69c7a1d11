import { setTimeout as pause } from "node:timers/promises";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { envOf, type Manifest } from "../chart/helm.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { refresh } from "../support/refresh.ts";
import type { RealCluster } from "./cluster.ts";

/** Runs a refresher with the environment and the account of its pod. */
export async function runPod(cluster: RealCluster, { metadata, spec }: Manifest, lacking: readonly string[] = []) {
  const asked = ["-n", metadata.namespace ?? "", "create", "token", spec.serviceAccountName];
  const token = (await cluster.kubectl(asked)).trim();
  const platform = fakePlatform({
    upstream(_method, _signal, repository) {
      if (!lacking.some((name) => repository === `images/${name}`)) return;
      throw new ArtifactRegistryError("RESOURCE_NOT_FOUND", `There is no repository "${repository}".`);
    },
  });
  const env = {
    ...envOf(spec.containers[0]),
    ALIEN_IMAGES_BINDING: '{"service":"local"}',
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: String(cluster.port),
    KUBERNETES_CA_FILE: cluster.caFile,
    KUBERNETES_TOKEN_FILE: await cluster.file(token),
  };
  return { ...(await refresh(platform, env)), token };
}

/**
 * Runs the refreshers that the controllers make pods for, as a node does, until something is over.
 *
 * @returns the names of their Jobs, and its result
 */
export async function asNode<Result>(
  cluster: RealCluster,
  over: Promise<Result>,
): Promise<{ ran: string[]; result: Result }> {
  const ran: string[] = [];
  const settled = over.then(
    () => true,
    () => true,
  );
  do {
    const waiting = await cluster.list("pods", "-A", "-l", "app.kubernetes.io/component=pull-secret");
    for (const pod of waiting.filter(({ status }) => status.phase === "Pending")) {
      const { name, namespace = "" } = pod.metadata;
      const phase = (await runPod(cluster, pod)).code === 0 ? "Succeeded" : "Failed";
      const patch = JSON.stringify({ status: { phase } });
      ran.push(pod.metadata.labels?.["batch.kubernetes.io/job-name"] ?? name);
      const to = ["-n", namespace, "patch", "pod", name, "--subresource=status", "--type=merge"];
      await cluster.kubectl([...to, "-p", patch]);
    }
  } while (!(await Promise.race([settled, pause(100, false)])));
  return { ran, result: await over };
}
