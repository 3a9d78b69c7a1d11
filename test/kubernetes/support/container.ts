import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { AuditLine } from "../../../core/audit.ts";
import type { Environment, Platform } from "../../../core/platform.ts";
import { type Container, type ContainerOptions, serveContainer } from "../../../functions/kubernetes/server/serve.ts";
import { localPlatform } from "../../../functions/local/index.ts";
import { watchedLog } from "../../support/secrets.ts";

/** A folder that is removed when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kubernetes-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface Served extends Container {
  readonly audit: AuditLine[];
  readonly warnings: string[];
  metrics(): Promise<string>;
}

/** The container's server in this process, over local registries, on free loopback ports. */
export async function serve(
  env: Environment,
  platform?: Platform,
  options: Pick<ContainerOptions, "pause" | "lookEveryMs"> = {},
): Promise<Served> {
  const audit = watchedLog<AuditLine>();
  const warnings: string[] = [];
  const dataDir = await temporaryFolder();
  const container = await serveContainer(
    platform ?? localPlatform({ registryUrl: "http://127.0.0.1:5050", dataDir }),
    {
      HOST: "127.0.0.1",
      PORT: "0",
      METRICS_PORT: "0",
      DRAIN_SECONDS: "0",
      ALIEN_IMAGES_BINDING: '{"service":"local"}',
      ...env,
    },
    { ...options, audit: (line) => audit.push(line), warn: (message) => warnings.push(message) },
  );
  onTestFinished(() => container.close().then(() => undefined));
  return {
    ...container,
    audit,
    warnings,
    metrics: async () => (await fetch(`${container.metricsUrl}/metrics`)).text(),
  };
}

/** Calls an operation of the registry `images` with a token. */
export async function call(
  url: string,
  token: string | undefined,
  operation: string,
  input: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${url}/v1/${operation}`, {
    method: "POST",
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    body: JSON.stringify({ registry: "images", ...input }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
