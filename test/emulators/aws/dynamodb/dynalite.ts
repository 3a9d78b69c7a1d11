import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { createRequire } from "node:module";
import type { Answer } from "../wire/answers.ts";

/** dynalite has no types of its own. */
type Dynalite = (options: { createTableMs: number; deleteTableMs: number; updateTableMs: number }) => Server;

/**
 * DynamoDB servers that are not ours, one for each account and region, made at the first call. They listen to nobody: a request
 * is handed to what they would do with one that came over a socket.
 */
export class Dynalites {
  readonly #servers = new Map<string, Server>();

  /** Hands a request on, and returns what is answered. */
  forward(place: string, headers: Readonly<Record<string, string>>, body: Buffer): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const request = Object.assign(new EventEmitter(), { method: "POST", url: "/", headers });
    const sent: Record<string, string> = {};
    const response = {
      statusCode: 200,
      setHeader(name: string, value: unknown) {
        sent[name.toLowerCase()] = String(value);
      },
      end(text: string) {
        resolve({ status: response.statusCode, headers: sent, body: Buffer.from(text) });
      },
    };
    this.#server(place).emit("request", request, response);
    request.emit("data", body);
    request.emit("end");
    return promise;
  }

  #server(place: string): Server {
    const dynalite = createRequire(import.meta.url)("dynalite") as Dynalite;
    const server = this.#servers.get(place) ?? dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
    this.#servers.set(place, server);
    return server;
  }
}
