/**
 * 200 clients push and pull 2,000 images at once against our registry: `npm run bench:load`. Exits with 1 on any error,
 * or when the registry's memory grows with the number of images. LOAD_CLIENTS and LOAD_IMAGES change the numbers.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { createClient, pullImage, pushImage } from "../../oci/client/index.ts";
import { buildImage } from "../oci/client/images.ts";
import { ours } from "./servers.ts";

const CLIENTS = Number(process.env.LOAD_CLIENTS ?? 200);
const IMAGES = Number(process.env.LOAD_IMAGES ?? 2_000);
/** Bytes of each image's layers; every one is different from every other. */
const LAYERS = [100_000, 30_000, 2_000];
const SAMPLE_MS = 200;
/** Growth from the second quarter of the images to the last that still is called flat. */
const FLAT = 1.25;

const folder = await mkdtemp(join(process.env.BENCH_FOLDER ?? tmpdir(), "load-"));
const server = await ours.start(folder);
const url = `http://${server.host}:${server.port}`;
const samples: { images: number; mebibytes: number }[] = [];
const errors: unknown[] = [];
let finished = 0;

const sampler = setInterval(async () => {
  const { now } = await server.memory().catch(() => ({ now: Number.NaN }));
  if (!Number.isNaN(now)) samples.push({ images: finished, mebibytes: now });
}, SAMPLE_MS);

/** One client with credentials of its own for a repository of its own. */
async function work(client: number): Promise<void> {
  const repository = `load/client-${client}`;
  const oci = createClient({ url, credentials: { username: "token", password: server.password([repository]) } });
  for (let i = client; i < IMAGES; i += CLIENTS) {
    const image = buildImage({ seed: `image-${i}`, layers: LAYERS });
    try {
      await pushImage(oci, repository, `v${i}`, image);
      if (!isDeepStrictEqual(await pullImage(oci, repository, `v${i}`), image))
        throw new Error(`image ${i} came back changed`);
    } catch (error) {
      errors.push(error);
    }
    finished++;
  }
}

try {
  const started = performance.now();
  await Promise.all(Array.from({ length: CLIENTS }, (_, client) => work(client)));
  const seconds = (performance.now() - started) / 1000;
  clearInterval(sampler);
  const { peak } = await server.memory();

  const highest = (from: number, to: number): number =>
    Math.max(
      ...samples.filter(({ images }) => images >= from * IMAGES && images <= to * IMAGES).map((one) => one.mebibytes),
    );
  console.log(
    `| ${CLIENTS} clients, ${IMAGES} images of ${LAYERS.length} layers, each pushed, pulled and verified | |`,
  );
  console.log("|---|---|");
  console.log(`| errors | ${errors.length} |`);
  console.log(`| seconds | ${seconds.toFixed(1)} |`);
  console.log(`| images pushed and pulled, /s | ${(IMAGES / seconds).toFixed(0)} |`);
  for (const quarter of [0, 1, 2, 3]) {
    const mebibytes = highest(quarter / 4, (quarter + 1) / 4);
    console.log(`| highest memory in quarter ${quarter + 1}, MiB | ${mebibytes.toFixed(0)} |`);
  }
  console.log(`| peak memory, MiB | ${peak.toFixed(0)} |`);
  for (const error of errors.slice(0, 5)) console.error(error);
  const growth = highest(0.75, 1) / highest(0.25, 0.5);
  if (growth > FLAT) console.error(`memory grew ${growth.toFixed(2)} × from the second quarter to the last`);
  process.exitCode = errors.length > 0 || growth > FLAT ? 1 : 0;
} finally {
  clearInterval(sampler);
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
