import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { Backing } from "../../aws/data-plane/backing.ts";
import type { Registry } from "../acr/registry.ts";
import type { Certificate } from "../http/certificates.ts";
import { guarded, type Listening, listen } from "../http/listen.ts";
import type { World } from "../world.ts";
import { type FormRequest, handleRegistry, readForm } from "./front.ts";

/** The ports of a registry that is there, and what keeps its images. */
interface Place {
  readonly registry: Registry;
  readonly plain: Listening;
  readonly tls: Listening;
  backing?: Promise<Backing>;
}

/** Every registry has two ports of its own, with TLS and without; one more is for all of them. */
export class DataPlane {
  readonly #world: World;
  readonly #certificate: Certificate;
  readonly #folder: string;
  readonly #places = new Map<string, Place>();
  #shared: Listening | undefined;

  private constructor(world: World, certificate: Certificate, folder: string) {
    this.#world = world;
    this.#certificate = certificate;
    this.#folder = folder;
  }

  static async open(world: World, certificate: Certificate): Promise<DataPlane> {
    const plane = new DataPlane(world, certificate, await mkdtemp(join(tmpdir(), "azure-emulator-")));
    plane.#shared = await listen(guarded((req, res) => plane.#handleShared(req, res)));
    return plane;
  }

  /** Stands for every registry: the `service` of a request tells which is meant, or its token. */
  get sharedUrl(): string {
    return this.#shared?.url ?? "";
  }

  /** Opens the ports of a registry. */
  async add(registry: Registry): Promise<void> {
    const handle = (scheme: string) =>
      guarded(async (req, res) => {
        await this.#handle(registry, `${scheme}://${req.headers.host}`, await readForm(req, res));
      });
    const plain = await listen(handle("http"));
    const tls = await listen(handle("https"), this.#certificate);
    this.#places.set(registry.loginServer, { registry, plain, tls });
  }

  /** The URL of the registry with this login server. */
  url(loginServer: string, scheme: "http" | "https"): string {
    const place = this.#places.get(loginServer);
    if (place === undefined) throw new Error(`The emulator has no registry ${loginServer}.`);
    return scheme === "http" ? place.plain.url : place.tls.url;
  }

  /** Closes the ports of a registry, with its images. */
  async remove({ loginServer }: Registry): Promise<void> {
    const place = this.#places.get(loginServer);
    this.#places.delete(loginServer);
    await closePlace(place);
  }

  async close(): Promise<void> {
    await this.#shared?.close();
    for (const place of this.#places.values()) await closePlace(place);
    await rm(this.#folder, { recursive: true, force: true });
  }

  // No host tells it which registry is meant; the form of a request for a token does, and the token of any other.
  async #handleShared(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const request = await readForm(req, res);
    const { form, credential } = request;
    const named = form.get("service") ?? (credential.kind === "bearer" ? audienceOf(credential.token) : "");
    const registry = this.#places.get(named.toLowerCase())?.registry;
    if (registry === undefined) return void res.writeHead(404).end("No registry is named.");
    await this.#handle(registry, `http://${req.headers.host}`, request);
  }

  async #handle(registry: Registry, base: string, request: FormRequest): Promise<void> {
    const backing = () => this.#backing(registry);
    await handleRegistry({ world: this.#world, registry, base, backing }, request);
  }

  // Opened at the first use: many tests need none.
  #backing({ loginServer, rid }: Registry): Promise<Backing> {
    const place = this.#places.get(loginServer);
    if (place === undefined) throw new Error(`The registry ${loginServer} is gone.`);
    place.backing ??= Backing.open(join(this.#folder, rid));
    return place.backing;
  }
}

async function closePlace(place: Place | undefined): Promise<void> {
  await place?.plain.close();
  await place?.tls.close();
  await (await place?.backing)?.close();
}

/** For which registry a token says that it is; whether it says the truth is seen later. */
function audienceOf(token: string): string {
  try {
    return String(decodeJwt(token).aud);
  } catch {
    return "";
  }
}
