import type { Port } from "./ports.ts";
import type { Ending } from "./wire.ts";

/** Bytes that no good client sends, and what has to come of them. */
export interface Malformed {
  readonly title: string;
  readonly pieces: readonly (string | Buffer)[];
  readonly ending: Ending;
  /** The statuses that come back, in order. Undefined where a client cannot count on any. */
  readonly statuses: readonly number[] | undefined;
}

const host = "Host: here\r\n";
const close = "Connection: close\r\n";
const end = `${host}${close}\r\n`;

/** The table. One thing is wrong at a time, in a request that the port would answer with its own status. */
export function malformed(port: Port): Malformed[] {
  return [...requestLines(port), ...hosts(port), ...headers(port), ...bodies(port), ...several(port), ...endings(port)];
}

type Statuses = Malformed["statuses"];

function row(title: string, statuses: Statuses, ...pieces: (string | Buffer)[]): Malformed {
  return { title, statuses, pieces, ending: "read" };
}

function requestLines({ path, status, form }: Port): Malformed[] {
  const targets: Readonly<Record<string, number>> = {
    "//": 404,
    "///": 404,
    "//here/": 404,
    "http://[": 400,
    "http://": 400,
    "http:///": 400,
    "http://[::1": 400,
    "http://here:99999/": 400,
    "http://%zz/": 400,
    [`http://somebody:secret@here${path}`]: 400,
    [`ftp://here${path}`]: 400,
    [`http:${path}`]: 400,
    [`http://here${path}`]: status,
    [`HTTP://here${path}`]: status,
    "here:443": 400,
    "*": 400,
    "?": 400,
    "#": 400,
    "\\\\here\\": 400,
    [path.slice(1)]: 400,
    "/\\\\here": form === "suite" ? 400 : 404,
    "/%": 404,
    "/%zz": 404,
    "/%00": 404,
    "/%ff": 404,
    "/%c0%ae%c0%ae/": 404,
    "/..//..//..//etc/passwd": 404,
    [`/${"a".repeat(8_000)}`]: 404,
    [`/${"a".repeat(20_000)}`]: 431,
    [`${path}?%zz=%&&=&=%00`]: status,
    "/a b": 400,
    "/\0": 400,
    "/\u0001\u007f": 400,
    "/\u00ff\u00fe": 400,
  };
  return [
    ...Object.entries(targets).map(([target, expected]) =>
      row(`the target ${JSON.stringify(target.slice(0, 40))}`, [expected], `GET ${target} HTTP/1.1\r\n${end}`),
    ),
    row("OPTIONS //", [404], `OPTIONS // HTTP/1.1\r\n${end}`),
    row("OPTIONS *", [400], `OPTIONS * HTTP/1.1\r\n${end}`),
    row("CONNECT with an authority", [405], `CONNECT here:443 HTTP/1.1\r\n${end}`),
    row("CONNECT with nonsense", [405], `CONNECT [ HTTP/1.1\r\n${end}`),
    row(
      "a bad target, and a body that waits to be asked for",
      [400],
      `POST * HTTP/1.1\r\nExpect: 100-continue\r\n${end}`,
    ),
    row("no target", [400], `GET\r\n${end}`),
    row("no version", [400], `GET ${path}\r\n${end}`),
    row("a version of the future", [400], `GET ${path} HTTP/9.9\r\n${end}`),
    row("a method in small letters", [400], `get ${path} HTTP/1.1\r\n${end}`),
    row("a method that nobody knows", [400], `FETCH ${path} HTTP/1.1\r\n${end}`),
    row("lines that end with a line feed alone", [400], `GET ${path} HTTP/1.1\nHost: here\nConnection: close\n\n`),
    row("the preface of HTTP/2", [400], "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    row("the first message of TLS", [400], Buffer.from("16030100c8010000c40303".padEnd(400, "5a"), "hex")),
    row("nothing but zeros", [400], Buffer.alloc(1_000)),
    row("HTTP/1.0 without a host", [status], `GET ${path} HTTP/1.0\r\n\r\n`),
  ];
}

function hosts({ path, status }: Port): Malformed[] {
  const bad = ["[", "]", "[::1", "a b", "a/b", "a@b", "a?b", "a#b", "a\\b", "a:b", "a:99999", "%zz", "\u00ff", "<>"];
  // These pass for names until somebody reads them as an address.
  const addresses = ["1.2.3.4.5", "0x100000000", "a..999"];
  const good = ["", "[::1]", "[::1]:5050", "UPPER:80", "127.0.0.1", "a_b.example"];
  const hostOf = (expected: number) => (text: string) =>
    row(`the host ${JSON.stringify(text)}`, [expected], `GET ${path} HTTP/1.1\r\nHost: ${text}\r\n${close}\r\n`);
  return [
    row("no host", [400], `GET ${path} HTTP/1.1\r\n${close}\r\n`),
    row("two hosts", [400], `GET ${path} HTTP/1.1\r\n${host}${end}`),
    ...[...bad, ...addresses].map(hostOf(400)),
    ...good.map(hostOf(status)),
  ];
}

function headers({ path, status }: Port): Malformed[] {
  const header = (title: string, expected: number, lines: string) =>
    row(title, [expected], `GET ${path} HTTP/1.1\r\n${lines}${end}`);
  return [
    header("a header without a colon", 400, "Nonsense\r\n"),
    header("a header without a name", 400, ": x\r\n"),
    header("a space in a header's name", 400, "A B: x\r\n"),
    header("a space before the colon", 400, "A : x\r\n"),
    header("a first header that begins with a space", 400, " folded\r\nA: x\r\n"),
    header("a zero in a header", 400, "A: \0\r\n"),
    header("a carriage return in a header", 400, "A: \rx\r\n"),
    header("a header of 20,000 bytes", 431, `A: ${"a".repeat(20_000)}\r\n`),
    header("3,000 headers", 431, "A: x\r\n".repeat(3_000)),
    header("headers named like the properties of objects", status, "__proto__: x\r\nconstructor: y\r\ntoString: z\r\n"),
    header("bytes beyond ASCII in a header", status, "A: \u00ff\u00fe\u0080\r\n"),
    header("an expectation that nobody can meet", 417, "Expect: a-miracle\r\n"),
    header("an upgrade to a WebSocket", status, "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    header(
      "an upgrade to HTTP/2",
      status,
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n",
    ),
    header("an upgrade to nothing", status, "Connection: Upgrade\r\nUpgrade: \r\n"),
  ];
}

/** With a caller, since a stranger's body is not read. */
function bodies({ post, authorization }: Port): Malformed[] {
  const body = (title: string, statuses: Statuses, lines: string, text: string) =>
    row(title, statuses, `POST ${post} HTTP/1.1\r\nAuthorization: ${authorization}\r\n${lines}${end}${text}`);
  const chunked = (title: string, statuses: Statuses, text: string) =>
    body(title, statuses, "Transfer-Encoding: chunked\r\n", text);
  return [
    ...["-1", "+5", "5,5", "0x5", "five", "5 5", "", "99999999999999999999999"].map((each) =>
      body(`the length ${JSON.stringify(each)}`, [400], `Content-Length: ${each}\r\n`, "12345"),
    ),
    body("two lengths", [400], "Content-Length: 5\r\nContent-Length: 6\r\n", "123456"),
    body("one length twice", [400], "Content-Length: 5\r\nContent-Length: 5\r\n", "12345"),
    body("a length and chunks", [400], "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    body("chunks and a length", [400], "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    body("an encoding that nobody knows", [400], "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    body("chunks that are not the last encoding", [400], "Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"),
    chunked("a chunk whose size is no number", [400], "zz\r\n"),
    chunked("a chunk whose size is negative", [400], "-1\r\n"),
    chunked("a chunk whose size is too large for a number", [400], "fffffffffffffffff\r\n"),
    chunked("a trailer without a colon", [400], "0\r\nNonsense\r\n\r\n"),
    chunked("a chunk with 20,000 bytes of extensions", [413], `1;${"a".repeat(20_000)}\r\n1\r\n`),
    // Who does not need the body may answer before the mistake in it is seen.
    chunked("a chunk that is longer than it says", undefined, "1\r\n12345\r\n0\r\n\r\n"),
  ];
}

function several({ path, status }: Port): Malformed[] {
  const good = `GET ${path} HTTP/1.1\r\n${host}\r\n`;
  const last = `GET ${path} HTTP/1.1\r\n${end}`;
  const connect = `CONNECT here:443 HTTP/1.1\r\n${host}\r\n`;
  const bad = (target: string) => `GET ${target} HTTP/1.1\r\n${host}\r\n`;
  const withBody = `GET ${path} HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\n12345`;
  return [
    row("empty lines before a request", [status], `\r\n\r\n\r\n${last}`),
    row("a request in pieces of one byte", [status], ...last),
    row("two requests at once", [status, status], good + last),
    row("nonsense behind a good request", undefined, `${good}nonsense\r\n\r\n`),
    row("a bad target between good requests", [status, 400, status], good, bad("http://["), last),
    row("an empty path between good requests", [status, 404, status], good, bad("//"), last),
    row("a GET with a body, and the next request", [status, status], withBody + last),
    row("CONNECT behind ten requests", undefined, good.repeat(10) + connect),
    row("CONNECT, and what is meant for the tunnel", [405], connect, last.repeat(50)),
    {
      title: "a hundred requests, and a connection that breaks at the first answer",
      pieces: [good.repeat(100)],
      ending: "break on answer",
      statuses: undefined,
    },
  ];
}

/** Where a connection may end, each with two ways to end it. */
function endings({ path, post, authorization }: Port): Malformed[] {
  const start = `POST ${post} HTTP/1.1\r\n${host}Authorization: ${authorization}\r\n`;
  const parts: Readonly<Record<string, string>> = {
    nothing: "",
    "half a request line": `GET ${path.slice(0, 2)}`,
    "half a header": `GET ${path} HTTP/1.1\r\nHost: he`,
    "a request": `GET ${path} HTTP/1.1\r\n${end}`,
    "a hundred requests": `GET ${path} HTTP/1.1\r\n${host}\r\n`.repeat(100),
    "half a body": `${start}Content-Length: 100000\r\n\r\n12345`,
    "half a chunk": `${start}Transfer-Encoding: chunked\r\n\r\n1000\r\n12345`,
    "a body that waits to be asked for": `${start}Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n`,
    CONNECT: `CONNECT here:443 HTTP/1.1\r\n${host}\r\n`,
    "an upgrade": `GET ${path} HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    nonsense: "\0\0\0\0\r\n\r\n",
  };
  return Object.entries(parts).flatMap(([part, bytes]) =>
    (["half-close", "break"] as const).map((ending) => ({
      title: `${part}, then ${ending === "break" ? "a broken" : "a half-closed"} connection`,
      pieces: bytes === "" ? [] : [bytes],
      ending,
      statuses: undefined,
    })),
  );
}
