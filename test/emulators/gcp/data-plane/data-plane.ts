import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Backing } from "../../aws/data-plane/backing.ts";
import { imageName } from "../artifact-registry/image-name.ts";
import type { Package, Repository } from "../artifact-registry/repository.ts";
import { type Listening, listen } from "../http/server.ts";
import type { World } from "../world.ts";
import { handleRegistry } from "./handle.ts";

/** What speaks the distribution protocol: one port for each location, one registry of ours behind them all. */
export class DataPlane {
  readonly #folder: string;
  readonly #fronts = new Map<string, Listening>();
  readonly #backings = new Map<string, Promise<Backing>>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(world: World, locations: readonly string[]): Promise<DataPlane> {
    const plane = new DataPlane(await mkdtemp(join(tmpdir(), "gcp-emulator-")));
    for (const location of locations) {
      const front = await listen((req, res) => {
        res.on("error", () => undefined);
        void handleRegistry({ world, location, host: front.host, backing: () => plane.#backing(location) }, req, res);
      });
      plane.#fronts.set(location, front);
    }
    return plane;
  }

  serves(location: string): boolean {
    return this.#fronts.has(location);
  }

  url(location: string): string {
    const front = this.#fronts.get(location);
    if (front === undefined) throw new Error(`The emulator has no registry in ${location}: name it at start.`);
    return `http://${front.host}`;
  }

  /** The URL of the registry that a real address means. */
  reach(address: string): string {
    const host = address.replace(/^https:\/\//, "").split("/")[0] ?? "";
    const [, location] = /^([a-z0-9-]+)-docker\.pkg\.dev$/.exec(host) ?? [];
    if (location === undefined) throw new Error(`${address} is no registry of Google Cloud.`);
    return this.url(location);
  }

  /** Deletes exactly one image path, if it is there. */
  async deleteImage(repository: Repository, path: string): Promise<void> {
    const backing = this.#backings.get(repository.location);
    if (backing !== undefined) await (await backing).deleteRepository(imageName(repository, path));
  }

  /** Deletes a manifest by its digest, with its tags, or a tag alone. */
  async deleteManifest(repository: Repository, { path, versions, tags }: Package, reference: string): Promise<void> {
    const backing = this.#backings.get(repository.location);
    const name = imageName(repository, path);
    const gone = reference.includes(":") ? [...tags].filter(([, digest]) => digest === reference) : [[reference]];
    if (backing !== undefined) {
      const client = (await backing).client(name);
      for (const [tag = ""] of gone) await client.deleteManifest(name, tag);
      if (reference.includes(":")) await client.deleteManifest(name, reference);
    }
    for (const [tag = ""] of gone) tags.delete(tag);
    versions.delete(reference);
  }

  async close(): Promise<void> {
    for (const front of this.#fronts.values()) await front.close();
    for (const backing of this.#backings.values()) await (await backing).close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  // Opened at the first use: many tests need none.
  #backing(location: string): Promise<Backing> {
    const backing = this.#backings.get(location) ?? Backing.open(join(this.#folder, location));
    this.#backings.set(location, backing);
    return backing;
  }
}
