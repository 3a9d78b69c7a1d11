import { connect } from "node:net";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What a client does once its bytes are out. Each ends the connection, sooner or later, on one side or the other. */
export type Ending =
  /** Reads until the server closes the connection. */
  | "read"
  /** Says at once that nothing more will come, and reads what the server still has to say. */
  | "half-close"
  /** Says so when it has heard nothing for a moment: for bytes of which nobody knows whether they are a whole request. */
  | "half-close in silence"
  /** Breaks the connection at the first byte of an answer. */
  | "break on answer"
  /** Breaks the connection at once. */
  | "break"
  /** Reads nothing at all, and breaks the connection when nothing more can be sent. */
  | "deaf";

const silenceMs = 50;

/**
 * Sends bytes exactly as they are. Ends when the connection is closed.
 *
 * @param pieces written one after the other, each when the one before has left this process
 * @returns everything that came back, one character for a byte
 */
export function sendBytes(
  { host, port }: Address,
  pieces: readonly (string | Buffer)[],
  ending: Ending,
): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    if (ending === "deaf") socket.pause();
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      if (ending === "break on answer") socket.resetAndDestroy();
    });
    // A server may well cut off who sends such things: then the reset, too, is an end.
    socket.on("error", () => undefined);
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve(received));
    const finish = () => {
      if (ending === "break") socket.resetAndDestroy();
      if (ending === "half-close") socket.end();
    };
    const write = ([piece, ...rest]: readonly (string | Buffer)[]) => {
      if (piece === undefined) return finish();
      socket.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece, () => write(rest));
    };
    if (ending === "half-close in silence" || ending === "break on answer") {
      socket.setTimeout(silenceMs, () => socket.end());
    }
    if (ending === "deaf") socket.setTimeout(silenceMs, () => socket.resetAndDestroy());
    socket.once("connect", () => write(pieces));
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Takes what came back apart into answers. Whatever is no answer, or only a part of one, throws. */
export function answersIn(received: string): Answer[] {
  const answers: Answer[] = [];
  let rest = received;
  while (rest !== "") {
    const [head = "", status = "", lines = ""] =
      /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(rest) ?? [];
    if (head === "") throw new Error(`This is no answer: ${JSON.stringify(rest.slice(0, 200))}`);
    const headers = Object.fromEntries(
      lines
        .split("\r\n")
        .slice(0, -1)
        .map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
    );
    rest = rest.slice(head.length);
    // What is neither counted nor chunked ends with the connection.
    const { "content-length": length = rest.length, "transfer-encoding": encoding } = headers;
    const hasNoBody = Number(status) < 200 || status === "204" || status === "304";
    const body = encoding === "chunked" ? unchunked(rest) : rest.slice(0, hasNoBody ? 0 : Number(length));
    answers.push({ status: Number(status), headers, body: typeof body === "string" ? body : body.text });
    rest = rest.slice(typeof body === "string" ? body.length : body.taken);
  }
  return answers;
}

function unchunked(text: string): { readonly text: string; readonly taken: number } {
  let whole = "";
  let at = 0;
  for (;;) {
    const end = text.indexOf("\r\n", at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (end < 0 || Number.isNaN(size)) throw new Error(`This is no chunk: ${JSON.stringify(text.slice(at, at + 50))}`);
    whole += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
    if (size === 0) return { text: whole, taken: at };
  }
}
