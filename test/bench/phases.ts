import { createHash } from "node:crypto";
import { digestOf, ociManifest } from "../../oci/client/index.ts";
import { buildImage, seededBytes } from "../oci/client/images.ts";
import { type Answer, Connection } from "./raw.ts";
import type { Running } from "./servers.ts";

const MIB = 1024 * 1024;
const repository = "bench/app";

/** A session against one registry, with its authorization at hand. */
export type Session = { readonly server: Running; readonly head: (line: string, headers?: string) => string };

export async function openSession(server: Running): Promise<Session> {
  const authorization = await server.authorization([repository]);
  const fixed = `Host: ${server.host}:${server.port}\r\n${authorization === undefined ? "" : `Authorization: ${authorization}\r\n`}`;
  return { server, head: (line, headers = "") => `${line} HTTP/1.1\r\n${fixed}${headers}\r\n` };
}

/** A layer of `mebibytes` that takes one MiB of memory: the same random MiB over and over. */
export function repeatedLayer(mebibytes: number): { digest: string; size: number; pieces: () => Iterable<Uint8Array> } {
  const piece = seededBytes("layer", MIB);
  const hash = createHash("sha256");
  for (let i = 0; i < mebibytes; i++) hash.update(piece);
  return {
    digest: `sha256:${hash.digest("hex")}`,
    size: mebibytes * MIB,
    pieces: function* () {
      for (let i = 0; i < mebibytes; i++) yield piece;
    },
  };
}

/** Seconds to push one large layer. */
export async function pushLayer(session: Session, layer: ReturnType<typeof repeatedLayer>): Promise<number> {
  const connection = await Connection.open(session.server.host, session.server.port);
  const started = performance.now();
  await pushBlob(connection, session, layer.digest, layer.size, layer.pieces());
  const seconds = (performance.now() - started) / 1000;
  connection.close();
  return seconds;
}

/** Seconds to pull it again. */
export async function pullLayer(session: Session, layer: ReturnType<typeof repeatedLayer>): Promise<number> {
  const connection = await Connection.open(session.server.host, session.server.port);
  const started = performance.now();
  const answer = await connection.request(session.head(`GET /v2/${repository}/blobs/${layer.digest}`));
  const seconds = (performance.now() - started) / 1000;
  expectStatus(answer, 200);
  if (answer.bytes !== layer.size) throw new Error(`pulled ${answer.bytes} bytes`);
  connection.close();
  return seconds;
}

/** Layers per second, for `count` small ones over 8 connections. */
export async function pushSmallLayers(session: Session, count: number, bytes: number): Promise<number> {
  const layers = Array.from({ length: count }, (_, i) => seededBytes(`small-${i}`, bytes));
  const digests = layers.map((layer) => digestOf(layer));
  let next = 0;
  const work = async (): Promise<void> => {
    const connection = await Connection.open(session.server.host, session.server.port);
    for (let i = next++; i < count; i = next++) {
      const [layer, digest] = [layers[i], digests[i]];
      if (layer !== undefined && digest !== undefined) await pushBlob(connection, session, digest, bytes, [layer]);
    }
    connection.close();
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: 8 }, work));
  return count / ((performance.now() - started) / 1000);
}

export type Load = { perSecond: number; p50: number; p99: number; clientCpu: number };

/** Manifest GETs over some connections for some seconds; latencies in ms, and how busy this client was. */
export async function getManifests(session: Session, connections: number, seconds: number): Promise<Load> {
  const digest = await pushManifest(session);
  const request = session.head(`GET /v2/${repository}/manifests/${digest}`, `Accept: ${ociManifest}\r\n`);
  const latencies: number[] = [];
  const opened = await Promise.all(
    Array.from({ length: connections }, () => Connection.open(session.server.host, session.server.port)),
  );
  const run = async (until: number, note: (ms: number) => void): Promise<void> => {
    await Promise.all(
      opened.map(async (connection) => {
        for (let started = performance.now(); started < until; started = performance.now()) {
          expectStatus(await connection.request(request), 200);
          note(performance.now() - started);
        }
      }),
    );
  };
  // What a server compiles and caches at its first requests is not what is asked about.
  await run(performance.now() + 1_000, () => {});
  const cpu = process.cpuUsage();
  const started = performance.now();
  await run(started + seconds * 1000, (ms) => latencies.push(ms));
  const elapsed = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  for (const connection of opened) connection.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return {
    perSecond: latencies.length / elapsed,
    p50: at(0.5),
    p99: at(0.99),
    clientCpu: (user + system) / 1e6 / elapsed,
  };
}

async function pushManifest(session: Session): Promise<string> {
  const { manifest, blobs } = buildImage({ seed: "manifest", layers: [1_000, 2_000, 3_000] });
  const connection = await Connection.open(session.server.host, session.server.port);
  for (const [digest, bytes] of blobs) await pushBlob(connection, session, digest, bytes.byteLength, [bytes]);
  const head = session.head(
    `PUT /v2/${repository}/manifests/${manifest.digest}`,
    `Content-Type: ${manifest.mediaType}\r\nContent-Length: ${manifest.bytes.byteLength}\r\n`,
  );
  expectStatus(await connection.request(head, [manifest.bytes]), 201);
  connection.close();
  return manifest.digest;
}

async function pushBlob(
  connection: Connection,
  session: Session,
  digest: string,
  size: number,
  pieces: Iterable<Uint8Array>,
): Promise<void> {
  const begun = await connection.request(
    session.head(`POST /v2/${repository}/blobs/uploads/`, "Content-Length: 0\r\n"),
  );
  expectStatus(begun, 202);
  const { server } = session;
  const location = new URL(begun.headers.get("location") ?? "", `http://${server.host}:${server.port}`);
  location.searchParams.set("digest", digest);
  const type = "Content-Type: application/octet-stream\r\n";
  const head = session.head(`PUT ${location.pathname}${location.search}`, `${type}Content-Length: ${size}\r\n`);
  expectStatus(await connection.request(head, pieces), 201);
}

function expectStatus(answer: Answer, status: number): void {
  if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}`);
}
