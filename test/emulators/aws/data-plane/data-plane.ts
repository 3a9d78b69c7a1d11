import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PrivateRegistry } from "../ecr/state.ts";
import type { EmulatorEvent } from "../events.ts";
import type { World } from "../world.ts";
import { Backing } from "./backing.ts";
import { type Front, openFront } from "./front.ts";
import { servePrivate } from "./private.ts";
import { servePublic } from "./public.ts";
import { replicateFrom } from "./replication.ts";

const PUBLIC = "public";

/** Everything that speaks the distribution protocol: one port per account and region, one for ECR Public. */
export class DataPlane {
  readonly #world: World;
  readonly #folder: string;
  readonly #fronts = new Map<string, Front>();
  readonly #backings = new Map<string, Promise<Backing>>();

  private constructor(world: World, folder: string) {
    this.#world = world;
    this.#folder = folder;
  }

  static async open(world: World, accounts: readonly string[], regions: readonly string[]): Promise<DataPlane> {
    const plane = new DataPlane(world, await mkdtemp(join(tmpdir(), "aws-emulator-")));
    for (const account of accounts) {
      for (const region of regions) {
        const registry = world.registry(account, region);
        const serve = servePrivate(world, registry, () => plane.#backingOf(registry));
        plane.#fronts.set(`${account}/${region}`, await openFront(world, region, serve));
      }
    }
    const servePublicly = servePublic(world, () => plane.#backing(PUBLIC));
    plane.#fronts.set(PUBLIC, await openFront(world, "us-east-1", servePublicly));
    return plane;
  }

  url(account: string, region: string): string {
    const front = this.#fronts.get(`${account}/${region}`);
    if (front === undefined)
      throw new Error(`The emulator has no registry of ${account} in ${region}: name both at start.`);
    return front.url;
  }

  /** The URL of the registry that a real address means. */
  reach(address: string): string {
    const host = address.replace(/^https:\/\//, "").split("/")[0] ?? "";
    if (host === "public.ecr.aws") return this.publicUrl;
    // Amazon ECR user guide, "Making requests to Amazon ECR registries": plain, FIPS, and what IPv6 reaches too.
    const plain = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;
    const dualStack = /^(\d{12})\.dkr-ecr(?:-fips)?\.([a-z0-9-]+)\.on\.(?:aws|amazonwebservices\.com\.cn)$/;
    const [, account, region] = plain.exec(host) ?? dualStack.exec(host) ?? [];
    if (account === undefined || region === undefined) throw new Error(`${address} is no registry of AWS.`);
    return this.url(account, region);
  }

  get publicUrl(): string {
    return this.#fronts.get(PUBLIC)?.url ?? "";
  }

  async replicate(): Promise<EmulatorEvent[]> {
    const events: EmulatorEvent[] = [];
    for (const registry of this.#world.registries()) {
      events.push(...(await replicateFrom(this.#world, registry, (one) => this.#backingOf(one))));
    }
    return events;
  }

  async manifest(registry: PrivateRegistry, name: string, digest: string): Promise<string> {
    const backing = await this.#backingOf(registry);
    return Buffer.from((await backing.client(name).pullManifest(name, digest)).bytes).toString();
  }

  async deleteReference(registry: PrivateRegistry, name: string, reference: string): Promise<void> {
    await (await this.#backingOf(registry)).client(name).deleteManifest(name, reference);
  }

  async deleteRepository(registry: PrivateRegistry, name: string): Promise<void> {
    const backing = this.#backings.get(`${registry.account}-${registry.region}`);
    if (backing !== undefined) await (await backing).deleteRepository(name);
  }

  async deletePublicReference(name: string, reference: string): Promise<void> {
    await (await this.#backing(PUBLIC)).client(name).deleteManifest(name, reference);
  }

  async deletePublicRepository(name: string): Promise<void> {
    const backing = this.#backings.get(PUBLIC);
    if (backing !== undefined) await (await backing).deleteRepository(name);
  }

  async close(): Promise<void> {
    for (const front of this.#fronts.values()) await front.close();
    for (const backing of this.#backings.values()) await (await backing).close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #backingOf({ account, region }: PrivateRegistry): Promise<Backing> {
    return this.#backing(`${account}-${region}`);
  }

  // Opened at the first use: most tests need one.
  #backing(name: string): Promise<Backing> {
    const backing = this.#backings.get(name) ?? Backing.open(join(this.#folder, name));
    this.#backings.set(name, backing);
    return backing;
  }
}
