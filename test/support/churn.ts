import type { Platform } from "../../core/platform.ts";
import type { PlatformName } from "../../platforms.ts";
import { namesIn } from "./pages.ts";
import { startWorker } from "./processes.ts";
import { openSuite } from "./suite.ts";

interface Churn {
  readonly platform: Platform;
  readonly name: PlatformName;
  readonly env: Readonly<Record<string, string>>;
  readonly pageSize: number;
}

/**
 * Reads the list of repositories again and again, while 8 processes create and delete others, whose names hold `churn` and come
 * before, between and behind those that stay. It goes on until two readings are done and one has seen some of the others.
 *
 * @returns the names of each reading
 * @throws where a reading has a name twice, or a process fails
 */
export async function churned({ platform, name, env, pageSize }: Churn): Promise<string[][]> {
  const suite = openSuite(platform, env);
  const read: string[][] = [];
  const isEnough = () => read.length > 1 && read.flat().some((each) => each.includes("-churn-"));
  // Twice as many changes each time, so that they soon last longer than a reading.
  for (let rounds = 3; !isEnough(); rounds *= 2) {
    let running = true;
    const ended = Promise.all(startWorkers(name, env, rounds).map((worker) => worker.ended)).finally(() => {
      running = false;
    });
    while (running) {
      const names = (await namesIn(suite, pageSize)).flat();
      if (new Set(names).size < names.length) throw new Error(`A name comes twice: ${names}`);
      read.push(names);
    }
    for (const { code, errors } of await ended) if (code !== 0) throw new Error(errors);
  }
  return read;
}

function startWorkers(platform: PlatformName, env: Churn["env"], rounds: number) {
  return Array.from({ length: 8 }, (_, process) => {
    const names = Array.from({ length: 5 }, (_, each) => `${"amz"[each % 3]}-churn-${process}-${each}`);
    const requests = Array.from({ length: rounds }).flatMap(() => [
      ...names.map((each) => ({ operation: "createRepository", input: { name: each } })),
      ...names.map((repoId) => ({ operation: "deleteRepository", input: { repoId } })),
    ]);
    return startWorker(env, { platform, caller: `worker-${process}`, requests });
  });
}
