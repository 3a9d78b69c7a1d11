import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder of one test. */
export async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "credential-helper-"));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** The environment of a helper with this configuration: an object, or the file's text. */
export async function configured(content: object | string, env: Record<string, string> = {}) {
  const file = join(await folder(), "helper.json");
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  return { ...env, ALIEN_DOCKER_CREDENTIAL_CONFIG: file };
}
