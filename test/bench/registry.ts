/**
 * Our registry beside distribution and zot: `npm run bench:registry`. One client, one disk, one registry at a time, in
 * turn; medians of BENCH_ROUNDS rounds (5). BENCH_FOLDER is where the registries keep their data (the temporary folder).
 * `bash test/tools/install.sh bench` installs the others.
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getManifests, openSession, pullLayer, pushLayer, pushSmallLayers, repeatedLayer } from "./phases.ts";
import { type Contender, contenders, ours } from "./servers.ts";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const LAYER_MIB = 1024;

const rows = [
  { key: "push", name: "push one layer of 1 GiB, MiB/s", better: "more" },
  { key: "pull", name: "pull it, MiB/s", better: "more" },
  { key: "small", name: "push 1,000 layers of 8 KiB, layers/s", better: "more" },
  { key: "gets", name: "manifest GETs at 32 connections, /s", better: "more" },
  { key: "p50", name: "— p50, ms", better: "less" },
  { key: "p99", name: "— p99, ms", better: "less" },
  { key: "pushPeak", name: "peak memory, push 1 GiB, MiB", better: "less" },
  { key: "pullPeak", name: "peak memory, pull 1 GiB, MiB", better: "less" },
  { key: "smallPeak", name: "peak memory, small layers, MiB", better: "less" },
  { key: "getsPeak", name: "peak memory, manifest GETs, MiB", better: "less" },
  { key: "clientCpu", name: "this client in manifest GETs, cores", better: "none" },
] as const;
type Key = (typeof rows)[number]["key"];
type Round = Record<Key, number>;

const layer = repeatedLayer(LAYER_MIB);

async function round(contender: Contender, folder: string): Promise<Round> {
  const server = await contender.start(folder);
  try {
    const session = await openSession(server);
    /** Runs one phase on a settled disk and reads the peak of its memory. */
    const phase = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
      execFileSync("sync");
      await server.resetPeak();
      const result = await work();
      return [result, (await server.memory()).peak];
    };
    const [push, pushPeak] = await phase(() => pushLayer(session, layer));
    const [pull, pullPeak] = await phase(() => pullLayer(session, layer));
    const [small, smallPeak] = await phase(() => pushSmallLayers(session, 1_000, 8_192));
    const [load, getsPeak] = await phase(() => getManifests(session, 32, 4));
    return {
      push: LAYER_MIB / push,
      pull: LAYER_MIB / pull,
      small,
      gets: load.perSecond,
      p50: load.p50,
      p99: load.p99,
      clientCpu: load.clientCpu,
      pushPeak,
      pullPeak,
      smallPeak,
      getsPeak,
    };
  } finally {
    await server.stop();
  }
}

/** Peak memory of ours while one layer is pushed and pulled, for growing layers. */
async function growth(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for (const mebibytes of [16, 256, 1024, 4096]) {
    const server = await ours.start(folder);
    const session = await openSession(server);
    const one = repeatedLayer(mebibytes);
    await pushLayer(session, one);
    await pullLayer(session, one);
    lines.push(`| ${mebibytes} | ${(await server.memory()).peak.toFixed(0)} |`);
    await server.stop();
  }
  return lines;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const { present, absent } = contenders();
const folder = await mkdtemp(join(process.env.BENCH_FOLDER ?? tmpdir(), "bench-"));
const results = new Map<string, Round[]>(present.map(({ name }) => [name, []]));
try {
  for (let i = 0; i < ROUNDS; i++) {
    for (const contender of present) {
      console.error(`round ${i + 1} of ${ROUNDS}: ${contender.name}`);
      results.get(contender.name)?.push(await round(contender, folder));
    }
  }
  const middle = (name: string, key: Key): number => median((results.get(name) ?? []).map((one) => one[key]));
  const rivals = present.slice(1).map(({ name }) => name);
  console.log(`| | ours | ${rivals.map((name) => `${name} | ours against ${name}`).join(" | ")} |`);
  console.log(`|---|---|${rivals.map(() => "---|---|").join("")}`);
  for (const { key, name, better } of rows) {
    const mine = middle("ours", key);
    const cells = rivals.map((rival) => {
      const theirs = middle(rival, key);
      const ratio = better === "more" ? mine / theirs : theirs / mine;
      return `${format(theirs)} | ${better === "none" ? "" : `${ratio.toFixed(2)} ×`}`;
    });
    console.log(`| ${name} | ${format(mine)} | ${cells.join(" | ")} |`);
  }
  for (const name of absent) console.log(`\n${name} is not installed here and was left out.`);
  console.log("\n| one layer pushed and pulled, MiB | peak memory of ours, MiB |\n|---|---|");
  for (const line of await growth(folder)) console.log(line);
} finally {
  await rm(folder, { recursive: true, force: true });
}
