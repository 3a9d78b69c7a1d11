import type { Call } from "../../core/call.ts";
import { createHttpClient } from "../../core/http-client.ts";
import { createClient, type OciClient, OciError } from "../../oci/client/index.ts";
import { type Access, mintToken, type TokenKey } from "../../oci/token/index.ts";
import { translateRegistryError } from "./errors.ts";

/** The service that the registry's tokens are for. */
export const audience = "registry";
const lifetimeMs = 60_000;

/** The adapter's own way to the registry: a token for just the request at hand, signed with the registry's key. */
export interface RegistryClient {
  /** Runs one step of the distribution protocol. */
  oci<T>(call: Call, what: string, access: Access, step: (client: OciClient) => Promise<T>): Promise<T>;
  /** @returns when the repository got its first manifest (ISO 8601), or undefined where it holds none */
  repositoryCreatedAt(call: Call, name: string): Promise<string | undefined>;
  /** Deletes the repository and all that it holds; does nothing where there is none. */
  deleteRepository(call: Call, name: string): Promise<void>;
}

export function createRegistryClient(registryUrl: string, loadKey: () => Promise<TokenKey>): RegistryClient {
  // The registry is in this very process: no proxy stands between.
  const http = createHttpClient();

  function request<T>(
    call: Call,
    what: string,
    access: Access,
    send: (bearer: string, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return call.upstream(what, async (signal) => {
      const now = call.now();
      const bearer = mintToken(await loadKey(), {
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

  /** The registry's own extension, for what the distribution spec has no request for. */
  async function extension(method: "GET" | "DELETE", name: string, bearer: string, signal: AbortSignal) {
    const url = new URL(`v2/${name}/_alien/repository`, `${registryUrl}/`);
    const headers = { authorization: `Bearer ${bearer}` };
    const response = await http.request(url, { method, headers, signal }).catch((cause: unknown) => {
      throw new OciError(0, "NETWORK", `${method} repository: no answer`, { cause });
    });
    if (response.status === 404) return undefined;
    if (response.status < 300) return response.body.toString("utf8");
    throw new OciError(response.status, `HTTP_${response.status}`, `${method} repository`);
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

function createdAtOf(body: string): string {
  const parsed: unknown = JSON.parse(body);
  if (typeof parsed === "object" && parsed !== null && "createdAt" in parsed && typeof parsed.createdAt === "string") {
    return parsed.createdAt;
  }
  throw new OciError(200, "UNEXPECTED_RESPONSE", "GET repository: no createdAt");
}
