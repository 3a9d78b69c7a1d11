import * as v from "valibot";
import type { Call } from "../../core/call.ts";
import { createHttpClient } from "../../core/http-client.ts";
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
  async function extension(method: "GET" | "DELETE", name: string, bearer: string, signal: AbortSignal) {
    const url = new URL(`v2/${name}/_alien/repository`, `${registryUrl}/`);
    const headers = { authorization: `Bearer ${bearer}` };
    const response = await http.request(url, { method, headers, signal }).catch((cause: unknown) => {
      throw new OciError(0, "NETWORK", `${method} repository: no answer`, { cause });
    });
    if (response.status === 404) return undefined;
    if (response.status < 300) return response.body.toString("utf8");
    const answer = new Response(new Uint8Array(response.body), { status: response.status });
    // The registry is our own, and repeats no secret.
    throw await errorFrom(answer, `${method} repository`, (text) => text);
  }

  return {
    oci: (call, what, access, step) =>
      request(call, what, access, (bearer, signal) =>
        step(createClient({ url: registryUrl, credentials: { bearer }, signal })),
      ),

    repositoryCreatedAt: (call, name) =>
      request(call, "GET repository", repositoryAccess(name, "pull"), async (bearer, signal) => {
        const body = await extension("GET", name, bearer, signal);
        return body === undefined ? undefined : createdAtOf(body);
      }),

    deleteRepository: (call, name) =>
      request(call, "DELETE repository", repositoryAccess(name, "delete"), async (bearer, signal) => {
        await extension("DELETE", name, bearer, signal);
      }),
  };
}

export function repositoryAccess(name: string, ...actions: string[]): Access {
  return { type: "repository", name, actions };
}

const repositoryAnswer = v.looseObject({ createdAt: v.string() });

function createdAtOf(body: string): string {
  const answer: unknown = JSON.parse(body);
  if (v.is(repositoryAnswer, answer)) return answer.createdAt;
  throw new OciError(200, "UNEXPECTED_RESPONSE", "GET repository: no createdAt");
}
