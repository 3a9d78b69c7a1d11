import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Faults } from "../faults.ts";
import { serveArm } from "./arm/server.ts";
import type { AzureFault, CallRecord } from "./call.ts";
import { DataPlane } from "./data-plane/data-plane.ts";
import { createAuthority } from "./http/certificates.ts";
import type { Principal } from "./identity/directory.ts";
import { serveEntra } from "./identity/entra-server.ts";
import { newApp } from "./identity/managed-identity.ts";
import { serveManagedIdentity } from "./identity/server.ts";
import { type AzureSeeding, seeding } from "./seeding.ts";
import { type Queues, queueId, type SentMessage } from "./service-bus/queues.ts";
import { serveServiceBus } from "./service-bus/server.ts";
import { type Behaviour, World } from "./world.ts";

export interface AzureOptions {
  /** The group that registries and identities are made in where nothing else is said. */
  readonly resourceGroup?: string;
  /** What login servers end with; it tells the cloud, too. Default `azurecr.io`. */
  readonly suffix?: "azurecr.io" | "azurecr.cn" | "azurecr.us";
  readonly behaviour?: Partial<Behaviour>;
}

export interface AzureEmulator extends AzureSeeding {
  readonly resourceGroupName: string;
  readonly faults: Faults<AzureFault, CallRecord>;
  /** Every call since the start, or since it was last emptied (`calls.length = 0`). */
  readonly calls: CallRecord[];
  readonly behaviour: Behaviour;
  readonly world: World;
  /** The certificate of the authority that signed those of the emulator's HTTPS servers, and a file with it. */
  readonly ca: string;
  readonly caFile: string;
  /** Microsoft Entra ID, over TLS: what clients call the authority host. */
  readonly authorityHost: string;
  /** Azure Resource Manager, over TLS. */
  readonly armUrl: string;
  /** Stands for every registry, without TLS: the `service` of a request tells which is meant, or its token. */
  readonly acrUrl: string;
  /** Where a registry is reached, by its name or its login server; its real host is not to be had here. */
  registryUrl(name: string, scheme?: "http" | "https"): string;
  /** Where to reach what was answered: takes an image's URI or a login server, and returns the URL of that registry here. */
  reach(address: string, scheme?: "http" | "https"): string;
  /** Makes a queue of Service Bus: where it is sent to, and what roles on it are assigned on. */
  queue(name: string): { readonly url: string; readonly id: string };
  /** What was sent to queues since the start, or since it was last emptied. */
  readonly sent: SentMessage[];
  /** What an app's process has in its environment. With several identities, the first is the one that it names. */
  environment(...identities: readonly Principal[]): Readonly<Record<string, string>>;
  /** Makes this process trust the emulator's certificates. Returns the function that takes it back. */
  trustInThisProcess(): () => void;
  /** Moves the emulator's clock forward: tokens of registries end, delays pass. Those of Entra keep to the machine's. */
  advance(ms: number): void;
  close(): Promise<void>;
}

/**
 * @example
 * const azure = await startAzure();
 * const registry = await azure.registry("vendorimages");
 * const caller = azure.identity("function", { roles: { [azure.registryId("vendorimages")]: ["AcrPush"] } });
 * Object.assign(process.env, azure.environment(caller));
 */
export async function startAzure(options: AzureOptions = {}): Promise<AzureEmulator> {
  const { resourceGroup = "artifact-registry", suffix = "azurecr.io" } = options;
  const clock = (): Date => new Date(Date.now() + (world?.moved ?? 0));
  const faults = new Faults<AzureFault, CallRecord>();
  const behaviour = { ...USUAL, ...options.behaviour };
  const { ca, server } = await createAuthority();
  const folder = await mkdtemp(join(tmpdir(), "azure-emulator-ca-"));
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, ca);
  const world: World = new World({ clock, faults, behaviour, dataPlane: () => dataPlane, suffix });
  const dataPlane = await DataPlane.open(world, server);
  const identity = await serveManagedIdentity(world);
  const entra = await serveEntra(world, server);
  const arm = await serveArm(world, server);
  const group = `/subscriptions/${world.subscription}/resourceGroups/${resourceGroup}`;
  const queues: Queues = {
    id: `${group}/providers/Microsoft.ServiceBus/namespaces/events`,
    names: new Set(),
    sent: [],
  };
  const serviceBus = await serveServiceBus(world, queues);
  const registryUrl = (name: string, scheme: "http" | "https" = "http") =>
    dataPlane.url(world.registries.get(name.toLowerCase())?.loginServer ?? name.toLowerCase(), scheme);

  return {
    resourceGroupName: resourceGroup,
    faults,
    calls: world.calls,
    behaviour,
    world,
    ca,
    caFile,
    authorityHost: entra.url,
    armUrl: arm.url,
    acrUrl: dataPlane.sharedUrl,
    ...seeding(world, resourceGroup),
    registryUrl,
    queue(name) {
      queues.names.add(name);
      return { url: `${serviceBus.url}/${name}`, id: queueId(queues, name) };
    },
    sent: queues.sent,
    reach: (address, scheme = "http") => dataPlane.url(hostOf(address), scheme),
    environment(...identities) {
      const app = newApp(identities);
      world.apps.push(app);
      const [first] = identities;
      return {
        IDENTITY_ENDPOINT: `${identity.url}/msi/token`,
        IDENTITY_HEADER: app.header,
        ...(first?.managed === "user" ? { AZURE_CLIENT_ID: first.clientId } : {}),
        AZURE_TENANT_ID: world.directory.tenantId,
        AZURE_SUBSCRIPTION_ID: world.subscription,
        WEBSITE_OWNER_NAME: `${world.subscription}+${resourceGroup}-WestEuropewebspace-Linux`,
        ALIEN_ACR_ENDPOINT: dataPlane.sharedUrl,
        ALIEN_ARM_ENDPOINT: arm.url,
        NODE_EXTRA_CA_CERTS: caFile,
      };
    },
    trustInThisProcess() {
      const before = getCACertificates("default");
      setDefaultCACertificates([...before, ca]);
      return () => setDefaultCACertificates(before);
    },
    advance: (ms) => world.advance(ms),
    async close() {
      // Nobody waits for answers any more.
      world.release();
      await identity.close();
      await entra.close();
      await arm.close();
      await serviceBus.close();
      await dataPlane.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const USUAL: Behaviour = {
  operationMs: 10,
  requestMs: {},
  operationRetryAfterSeconds: undefined,
  pageSize: 1_000,
  roleDelayMs: 0,
  exchangeForAnybody: false,
  refreshSeconds: 3 * 60 * 60,
  accessSeconds: 75 * 60,
};

const hostOf = (address: string) =>
  address
    .replace(/^https?:\/\//, "")
    .split("/")[0]
    ?.toLowerCase() ?? "";
