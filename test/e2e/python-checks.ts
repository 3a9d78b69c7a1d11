import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const installer = fileURLToPath(new URL("../tools/python.sh", import.meta.url));
const common = fileURLToPath(new URL("../emulators/python/", import.meta.url));

/**
 * Runs what a cloud's own Python clients check of its emulator: `run.py` of a folder, with the packages that its
 * requirements.txt names, which are installed where they are missing.
 *
 * @param env tells the checks where the emulator is
 * @returns each check; `problem` is null where all was as expected
 */
export async function pythonChecks(folder: string, env: Readonly<Record<string, string>>) {
  const { stdout: python } = await run("bash", [installer, join(folder, "requirements.txt")]);
  const own = { PATH: process.env.PATH ?? "", PYTHONPATH: common, PYTHONDONTWRITEBYTECODE: "1" };
  const { stdout } = await run(python.trim(), [join(folder, "run.py")], { env: { ...own, ...env } });
  return stdout
    .trim()
    .split("\n")
    .map((line): { name: string; problem: string | null } => JSON.parse(line));
}
