import type { Platform } from "../../core/platform.ts";
import type { PlatformName } from "../../platforms.ts";
import { startWorker } from "./processes.ts";
import { openSuite } from "./suite.ts";

interface Churn {
  readonly platform: Platform;
  readonly name: PlatformName;
  readonly env: Readonly<Record<string, string>>;
  readonly pageSize: number;
}

interface Listed {
  readonly repositories: readonly { readonly name: string }[];
  readonly nextPageToken?: string;
}

/**
 * Reads the list of repositories again and again, while 8 processes create and delete others, whose names hold `churn` and come
 * before, between and behind those that stay. It goes on until two readings are done and one has seen some of the others.
 *
 * @returns the names of each reading
 * @throws where a reading has a name twice, or a process fails
 */
export async function churned({ platform, name, env, pageSize }: Churn): Promise<string[][]> {
  const { ask } = openSuite(platform, env);
  const read: string[][] = [];
  const isEnough = () => read.length > 1 && read.flat().some((each) => each.includes("-churn-"));
  while (!isEnough()) {
    let running = true;
    const ended = Promise.all(startWorkers(name, env).map((worker) => worker.ended)).finally(() => {
      running = false;
    });
    while (running) read.push(await readAll(ask, pageSize));
    for (const { code, errors } of await ended) if (code !== 0) throw new Error(errors);
  }
  return read;
}

function startWorkers(platform: PlatformName, env: Churn["env"]) {
  return Array.from({ length: 8 }, (_, process) => {
    const names = Array.from({ length: 5 }, (_, each) => `${"amz"[each % 3]}-churn-${process}-${each}`);
    const requests = [1, 2, 3].flatMap(() => [
      ...names.map((each) => ({ operation: "createRepository", input: { name: each } })),
      ...names.map((repoId) => ({ operation: "deleteRepository", input: { repoId } })),
    ]);
    return startWorker(env, { platform, caller: `worker-${process}`, requests });
  });
}

async function readAll(ask: ReturnType<typeof openSuite>["ask"], pageSize: number): Promise<string[]> {
  const names: string[] = [];
  for (let pageToken: string | undefined; ; ) {
    const { status, text, body } = await ask("listRepositories", { pageSize, pageToken });
    if (status !== 200) throw new Error(text);
    const page = body as unknown as Listed;
    names.push(...page.repositories.map((each) => each.name));
    pageToken = page.nextPageToken;
    if (pageToken !== undefined) continue;
    if (new Set(names).size < names.length) throw new Error(`A name comes twice: ${names}`);
    return names;
  }
}
