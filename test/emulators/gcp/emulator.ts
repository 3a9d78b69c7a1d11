import { Faults } from "../faults.ts";
import type { CallRecord, GcpFault } from "./call.ts";
import { DataPlane } from "./data-plane/data-plane.ts";
import { GrpcServer } from "./grpc/server.ts";
import { serveMetadata } from "./http/metadata.ts";
import { type Listening, serveApis } from "./http/server.ts";
import { type GcpSeeding, seeding } from "./seeding.ts";
import { type Behaviour, type Published, World } from "./world.ts";

export interface GcpEmulatorOptions {
  /** Projects that exist, by their number. The first is home: what needs one and is told none uses it. */
  readonly projects?: Readonly<Record<string, string>>;
  /** Locations with a data plane. The first is the default. */
  readonly locations?: readonly string[];
  /** How late policies may name an account that was made over the API. */
  readonly accountDelayMs?: number;
  readonly behaviour?: Partial<Behaviour>;
}

export interface GcpEmulator extends GcpSeeding {
  /** Where Artifact Registry over HTTP, IAM, IAM Credentials, Pub/Sub, Resource Manager and the keys of identity tokens (`/oauth2/v3/certs`) are. */
  readonly url: string;
  /** Artifact Registry over gRPC. */
  readonly grpc: { readonly host: "127.0.0.1"; readonly port: number; readonly url: string };
  readonly home: string;
  readonly location: string;
  readonly faults: Faults<GcpFault, CallRecord>;
  /** Every call since the start, or since it was last emptied (`calls.length = 0`). */
  readonly calls: CallRecord[];
  /** What was published to Pub/Sub. */
  readonly published: readonly Published[];
  readonly behaviour: Behaviour;
  readonly world: World;
  /** Where the registry of a location is reached; its real host is not to be had here. */
  registryUrl(location?: string): string;
  /** Where to reach what an API answered: takes an image's URI or a host, and returns the URL of that registry here. */
  reach(address: string): string;
  /** Starts the metadata server that code running as this account sees. Returns its host and port. */
  metadata(email: string): Promise<string>;
  /** What a child process needs in its environment to run as this account. */
  environment(email: string): Promise<Readonly<Record<string, string>>>;
  /** From now on no policy that is written over the API counts, until the function that this returns is called. */
  holdRights(): () => void;
  /** Moves the emulator's clock forward: tokens end. */
  advance(ms: number): void;
  stop(): Promise<void>;
}

/**
 * @example
 * const gcp = await startGcpEmulator({ projects: { vendor: "111122223333" }, locations: ["europe-west1"] });
 * const repository = gcp.repository("images");
 * const caller = gcp.serviceAccount("function", { roles: { [repository]: ["roles/artifactregistry.admin"] } });
 */
export async function startGcpEmulator(options: GcpEmulatorOptions = {}): Promise<GcpEmulator> {
  const { projects = { "vendor-project": "111122223333" }, locations = ["europe-west1"] } = options;
  const [home] = Object.keys(projects);
  const [location] = locations;
  if (home === undefined || location === undefined) throw new Error("An emulator needs a project and a location.");
  let ahead = 0;
  const clock = () => new Date(Date.now() + ahead);
  const faults = new Faults<GcpFault, CallRecord>();
  const usual: Behaviour = {
    operationMs: 10,
    clockSkewSeconds: 0,
    longLived: [],
    emptyCatalog: false,
    newAccounts: () => "seen",
  };
  const behaviour = { ...usual, ...options.behaviour };
  const world = new World({ clock, faults, behaviour, accountDelayMs: options.accountDelayMs ?? 0 });
  for (const [id, number] of Object.entries(projects)) world.directory.addProject(id, number);
  const dataPlane = await DataPlane.open(world, locations);
  world.dataPlane = dataPlane;
  const grpc = await GrpcServer.open(world);
  const apis = await serveApis(world);
  const url = `http://${apis.host}`;
  const metadataServers = new Map<string, Promise<Listening>>();
  const metadata = async (email: string) => {
    const server = metadataServers.get(email) ?? serveMetadata(world, email, location);
    metadataServers.set(email, server);
    return (await server).host;
  };

  return {
    url,
    grpc: { host: "127.0.0.1", port: grpc.port, url: `http://127.0.0.1:${grpc.port}` },
    home,
    location,
    faults,
    calls: world.calls,
    published: world.published,
    behaviour,
    world,
    ...seeding(world, home, location),
    registryUrl: (one = location) => dataPlane.url(one),
    reach: (address) => dataPlane.reach(address),
    metadata,
    environment: async (email) => ({
      GCE_METADATA_HOST: await metadata(email),
      GOOGLE_CLOUD_PROJECT: world.directory.account(email)?.project ?? home,
      ALIEN_GAR_ENDPOINT: `http://127.0.0.1:${grpc.port}`,
      ALIEN_GAR_REST_ENDPOINT: url,
      ALIEN_IAM_CREDENTIALS_ENDPOINT: url,
      ALIEN_IAM_ENDPOINT: url,
      ALIEN_PUBSUB_ENDPOINT: url,
      ALIEN_RESOURCE_MANAGER_ENDPOINT: url,
    }),
    holdRights: () => world.holdRights(),
    advance(ms) {
      ahead += ms;
    },
    async stop() {
      await grpc.close();
      await apis.close();
      for (const server of metadataServers.values()) await (await server).close();
      await dataPlane.close();
    },
  };
}
