import { execFile } from "node:child_process";
import { promisify } from "node:util";

const patience = new URL("patience.ts", import.meta.url).href;

/**
 * Runs a program in a process of its own, where nothing of ours is loaded yet. Its time limits are as long as those of the
 * tests.
 *
 * @param program the text of an ES module; it may import our files by their path from the root
 * @returns what it printed, which is JSON
 */
export async function answerOf<Answer>(program: string, env: NodeJS.ProcessEnv): Promise<Answer> {
  const args = ["--import", patience, "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout) as Answer;
}
