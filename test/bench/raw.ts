import { connect, type Socket } from "node:net";

/** What an answer said; of its body only the length is kept. */
export type Answer = { readonly status: number; readonly headers: ReadonlyMap<string, string>; readonly bytes: number };

const END_OF_HEAD = Buffer.from("\r\n\r\n");

/**
 * One kept-alive HTTP/1.1 connection, one request at a time, over a socket that reads into one buffer. It does next to
 * nothing, so that what is measured is the server and not this client.
 */
export class Connection {
  readonly #socket: Socket;
  #head: Buffer[] = [];
  #answer: { status: number; headers: Map<string, string>; bytes: number; left: number } | undefined;
  #settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static open(host: string, port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      let connection: Connection | undefined;
      const buffer = Buffer.allocUnsafe(1024 * 1024);
      const onread = { buffer, callback: (size: number) => connection?.read(buffer.subarray(0, size)) ?? true };
      const socket = connect({ host, port, onread, noDelay: true });
      connection = new Connection(socket);
      const opened = connection;
      socket.once("connect", () => resolve(opened));
      socket.on("error", (error) => {
        reject(error);
        opened.#settle?.reject(error);
      });
      socket.on("close", () => opened.#settle?.reject(new Error("the server closed the connection")));
    });
  }

  /** Sends a request whose head ends in an empty line; `body` is written piece by piece, waiting for the socket. */
  request(head: string, body?: Iterable<Uint8Array>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(head);
      if (body !== undefined) this.#write(body[Symbol.iterator]());
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #write(pieces: Iterator<Uint8Array>): void {
    for (let next = pieces.next(); next.done !== true; next = pieces.next()) {
      if (this.#socket.write(next.value)) continue;
      this.#socket.once("drain", () => this.#write(pieces));
      return;
    }
  }

  private read(chunk: Buffer): boolean {
    const answer = this.#answer;
    if (answer === undefined) this.#readHead(chunk);
    else {
      answer.left -= chunk.byteLength;
      if (answer.left <= 0) this.#done();
    }
    return true;
  }

  #readHead(chunk: Buffer): void {
    // The buffer is used again for the next read: what is kept is copied.
    this.#head.push(Buffer.from(chunk.subarray(0, 16_384)));
    const seen = this.#head.length === 1 ? chunk : Buffer.concat(this.#head);
    const end = seen.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const [first = "", ...lines] = seen.toString("latin1", 0, end).split("\r\n");
    const status = Number(first.slice(9, 12));
    if (status === 100) {
      this.#head = [];
      const rest = seen.subarray(end + 4);
      if (rest.byteLength > 0) this.#readHead(rest);
      return;
    }
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    );
    if (headers.has("transfer-encoding")) {
      this.#settle?.reject(new Error(`status ${status} in chunks, which this client does not read`));
      return;
    }
    const bytes = Number(headers.get("content-length") ?? 0);
    this.#answer = { status, headers, bytes, left: bytes - (seen.byteLength - end - 4) };
    if (this.#answer.left <= 0) this.#done();
  }

  #done(): void {
    const { status, headers, bytes } = this.#answer ?? { status: 0, headers: new Map(), bytes: 0 };
    this.#answer = undefined;
    this.#head = [];
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve({ status, headers, bytes });
  }
}
