import * as v from "valibot";
import type { Call } from "../../core/call.ts";
import { createHttpClient } from "../../core/http-client.ts";
import type { Page, PageRequest } from "../../core/registry.ts";
import { type Image, image } from "../../core/registry-schemas.ts";
import { createClient, errorFrom, type OciClient, OciError } from "../../oci/client/index.ts";
import { type Access, mintToken, type TokenKeys } from "../../oci/token/index.ts";
import { translateRegistryError } from "./errors.ts";

/** The audience of the registry's tokens: the name of its service. */
export const audience = "registry";
/** Milliseconds for which one of the adapter's own tokens is valid. */
const lifetimeMs = 60_000;

/** The adapter's own access to the registry. It signs a token with the registry's key for each request, and for nothing more. */
export interface RegistryClient {
  /** Runs one step of the distribution protocol. */
  oci<T>(call: Call, what: string, access: Access, step: (client: OciClient) => Promise<T>): Promise<T>;
  /** @returns the time of the repository's first manifest (ISO 8601), or undefined if it holds no manifest */
  repositoryCreatedAt(call: Call, name: string): Promise<string | undefined>;
  /** Lists the repositories from this name on, in lexical order. */
  listRepositories(call: Call, prefix: string, page: PageRequest): Promise<Page<{ name: string; createdAt: string }>>;
  /** Lists the images of a repository in the order of their digests. @returns undefined if it holds no manifest */
  listImages(call: Call, name: string, page: PageRequest): Promise<Page<Image> | undefined>;
  /** Deletes the repository with everything in it. Does nothing if there is no such repository. */
  deleteRepository(call: Call, name: string): Promise<void>;
}

export function createRegistryClient(registryUrl: string, keys: TokenKeys): RegistryClient {
  // The registry runs in this process or beside it, so no proxy is used.
  const http = createHttpClient();

  function request<T>(
    call: Call,
    what: string,
    access: Access,
    send: (bearer: string, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return call.upstream(what, async (signal) => {
      const now = call.now();
      const [key] = await keys();
      const bearer = mintToken(key, {
        subject: "local-adapter",
        audience,
        access: [access],
        now,
        expiresAt: new Date(now.getTime() + lifetimeMs),
      });
      try {
        return await send(bearer, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw translateRegistryError(error);
      }
    });
  }

  /** Sends a request to the registry's own extension, which does what the distribution spec has no request for. */
  async function extension(method: "GET" | "DELETE", path: string, bearer: string, signal: AbortSignal) {
    const what = path.split("/_alien/")[1]?.split("?")[0] ?? "repository";
    const url = new URL(`v2/${path}`, `${registryUrl}/`);
    const headers = { authorization: `Bearer ${bearer}` };
    const response = await http.request(url, { method, headers, signal }).catch((cause: unknown) => {
      throw new OciError(0, "NETWORK", `${method} ${what}: no answer`, { cause });
    });
    if (response.status === 404) return undefined;
    if (response.status < 300) return response.body.toString("utf8");
    const answer = new Response(new Uint8Array(response.body), { status: response.status });
    // The registry is our own, and repeats no secret.
    throw await errorFrom(answer, `${method} ${what}`, (text) => text);
  }

  /** Asks the extension, and reads its answer. @returns undefined for what is not there */
  async function read<Schema extends v.GenericSchema>(
    call: Call,
    { path, access, schema }: { readonly path: string; readonly access: Access; readonly schema: Schema },
  ): Promise<v.InferOutput<Schema> | undefined> {
    const what = `GET ${path.split("/_alien/")[1]?.split("?")[0]}`;
    return request(call, what, access, async (bearer, signal) => {
      const body = await extension("GET", path, bearer, signal);
      if (body === undefined) return undefined;
      const answer: unknown = JSON.parse(body);
      if (v.is(schema, answer)) return answer;
      throw new OciError(200, "UNEXPECTED_RESPONSE", `${what}: not what the registry answers`);
    });
  }

  const pageQuery = ({ cursor = "", pageSize }: PageRequest) =>
    new URLSearchParams({ n: String(pageSize), last: cursor }).toString();

  return {
    oci: (call, what, access, step) =>
      request(call, what, access, (bearer, signal) =>
        step(createClient({ url: registryUrl, credentials: { bearer }, signal })),
      ),

    async repositoryCreatedAt(call, name) {
      const asked = {
        path: `${name}/_alien/repository`,
        access: repositoryAccess(name, "pull"),
        schema: repositoryAnswer,
      };
      return (await read(call, asked))?.createdAt;
    },

    async listRepositories(call, prefix, page) {
      const path = `${prefix}/_alien/repositories?${pageQuery(page)}`;
      const { repositories = [], next } =
        (await read(call, { path, access: catalog, schema: repositoriesAnswer })) ?? {};
      return { items: repositories, next };
    },

    async listImages(call, name, page) {
      const path = `${name}/_alien/images?${pageQuery(page)}`;
      const answer = await read(call, { path, access: repositoryAccess(name, "pull"), schema: imagesAnswer });
      return answer && { items: answer.images, next: answer.next };
    },

    deleteRepository: (call, name) =>
      request(call, "DELETE repository", repositoryAccess(name, "delete"), async (bearer, signal) => {
        await extension("DELETE", `${name}/_alien/repository`, bearer, signal);
      }),
  };
}

export function repositoryAccess(name: string, ...actions: string[]): Access {
  return { type: "repository", name, actions };
}

/** What lists the repositories needs. */
export const catalog: Access = { type: "registry", name: "catalog", actions: ["*"] };

const repositoryAnswer = v.looseObject({ createdAt: v.string() });
const repositoriesAnswer = v.looseObject({
  repositories: v.array(v.strictObject({ name: v.string(), createdAt: v.string() })),
  next: v.optional(v.string()),
});
const imagesAnswer = v.looseObject({ images: v.array(image), next: v.optional(v.string()) });
