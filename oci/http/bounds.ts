/** What a server holds for requests that have not arrived yet, and who goes first when that becomes too much. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** A connection of a client. */
export interface Connection {
  readonly socket: Socket;
  /** The answers that it waits for, in the order of the requests. */
  readonly responses: Set<ServerResponse>;
  /** The last of its requests. */
  request: IncomingMessage | undefined;
  /** How many bytes had moved when it was last looked at; while it waits for headers, when it began or the last answer ended. */
  seen: number;
}

/**
 * The connections of a server. When there are too many, the one that has waited longest for a complete request goes, so
 * that whoever sends its request at once is answered however many others never do.
 */
export class Connections {
  readonly #most: number;
  /** Those whose next request's headers have not arrived. Who has waited longest comes first. */
  readonly #waiting = new Set<Connection>();
  /** Those that wait for an answer. Some of their bodies may not have arrived. */
  readonly #asking = new Set<Connection>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes a new connection. */
  add(socket: Socket): Connection {
    const connection: Connection = { socket, responses: new Set(), request: undefined, seen: socket.bytesRead };
    this.#waiting.add(connection);
    return connection;
  }

  remove(connection: Connection): void {
    this.#waiting.delete(connection);
    this.#asking.delete(connection);
  }

  /** Notes that the headers of a request have arrived, and later that it has been answered, or will not be. */
  asked(connection: Connection, request: IncomingMessage, response: ServerResponse): void {
    connection.request = request;
    connection.responses.add(response);
    response.once("close", () => this.#answered(connection, response));
    this.#waiting.delete(connection);
    this.#asking.add(connection);
  }

  #answered(connection: Connection, response: ServerResponse): void {
    connection.responses.delete(response);
    if (connection.responses.size > 0 || !this.#asking.delete(connection) || connection.socket.destroyed) return;
    connection.seen = connection.socket.bytesRead;
    this.#waiting.add(connection);
  }

  /** Those on which not a byte of a request has come yet. */
  silent(): Connection[] {
    return [...this.#waiting].filter(({ socket, request, seen }) => request === undefined && socket.bytesRead === seen);
  }

  /**
   * Returns the connection that has to go, or undefined while there are not too many. As a rule it is one that waits for
   * headers, since anybody can open those. They keep a quarter of the places, however many bodies are on their way and
   * however many answers are not read.
   */
  surplus(): Connection | undefined {
    if (this.#waiting.size + this.#asking.size <= this.#most) return undefined;
    const [longest] = this.#waiting;
    if (this.#waiting.size > this.#most / 4) return longest;
    for (const connection of this.#asking) {
      const { request, socket } = connection;
      const unsent = socket.writableLength;
      // Its request is here, and it takes its answer as fast as it comes.
      if (request?.complete === true && unsent === 0) continue;
      const moved = socket.bytesRead + socket.bytesWritten - unsent;
      if (connection.seen === moved) return connection;
      // A layer may take hours. So bodies are judged by whether anything has moved since they were last looked at: here,
      // or behind all others, where this loop arrives if all of them move.
      connection.seen = moved;
      this.#asking.delete(connection);
      this.#asking.add(connection);
    }
    return longest;
  }
}

/** Whether the client has begun a request, and so expects an answer: not if it keeps the connection for later ones. */
export function expectsAnswer({ socket, request, responses, seen }: Connection): boolean {
  return responses.size > 0 || request === undefined || (request.complete && socket.bytesRead > seen);
}

/** The bytes of one body that count. */
export interface HeldBody {
  /** Counts more bytes of the body. The body itself, or others, may be refused for it. */
  grow(bytes: number): void;
  /** The body has arrived. It still counts, but is not refused any more. */
  complete(): void;
  /** Nothing of the body is held any more. */
  end(): void;
}

/**
 * The memory for bodies that are held until they have arrived. When it is full, the body that has been arriving for the
 * longest time is refused. The first bytes of every body are free, so that a small one is never refused.
 */
export class BodyMemory {
  readonly #freeEach: number;
  readonly #refusals = new Map<HeldBody, () => void>();
  #left: number;

  /**
   * @param bytes the most that counts at once
   * @param freeEach the first bytes of each body, which do not count
   */
  constructor({ bytes, freeEach }: { readonly bytes: number; readonly freeEach: number }) {
    this.#left = bytes;
    this.#freeEach = freeEach;
  }

  /** @param refuse is called, at most once, when the body has to go; it counts no more then */
  hold(refuse: () => void): HeldBody {
    let length = 0;
    const counted = () => Math.max(0, length - this.#freeEach);
    const body: HeldBody = {
      grow: (bytes) => {
        const before = counted();
        length += bytes;
        if (counted() === 0) return;
        if (before === 0) this.#refusals.set(body, refuse);
        this.#left -= counted() - before;
        if (this.#left < 0) this.#makeRoom();
      },
      complete: () => void this.#refusals.delete(body),
      end: () => {
        this.#refusals.delete(body);
        this.#left += counted();
        length = 0;
      },
    };
    return body;
  }

  #makeRoom(): void {
    for (const [body, refuse] of this.#refusals) {
      if (this.#left >= 0) return;
      body.end();
      refuse();
    }
  }
}
