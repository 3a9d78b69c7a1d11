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
 * before, between and behind those that stay.
 *
 * @returns the names of each reading, and how many of them were not to stay
 * @throws where a reading has a name twice, or a process fails
 */
export async function churned({ platform, name, env, pageSize }: Churn) {
  const { ask } = openSuite(platform, env);
  const workers = Array.from({ length: 8 }, (_, process) => {
    const names = Array.from({ length: 5 }, (_, each) => `${"amz"[each % 3]}-churn-${process}-${each}`);
    const requests = [1, 2, 3].flatMap(() => [
      ...names.map((each) => ({ operation: "createRepository", input: { name: each } })),
      ...names.map((repoId) => ({ operation: "deleteRepository", input: { repoId } })),
    ]);
    return startWorker(env, { platform: name, caller: `worker-${process}`, requests });
  });
  let running = true;
  const ended = Promise.all(workers.map((worker) => worker.ended)).finally(() => {
    running = false;
  });
  const read: string[][] = [];
  while (running) {
    const names: string[] = [];
    for (let pageToken: string | undefined; ; ) {
      const { status, text, body } = await ask("listRepositories", { pageSize, pageToken });
      if (status !== 200) throw new Error(text);
      const page = body as unknown as Listed;
      names.push(...page.repositories.map((each) => each.name));
      pageToken = page.nextPageToken;
      if (pageToken === undefined) break;
    }
    if (new Set(names).size < names.length) throw new Error(`A name comes twice: ${names}`);
    read.push(names);
  }
  for (const { code, errors } of await ended) if (code !== 0) throw new Error(errors);
  return { read, seen: read.flat().filter((each) => each.includes("churn")).length };
}
