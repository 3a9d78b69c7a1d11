import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalSuite, serveLocal } from "../../../functions/local/serve.ts";

export interface TestSuite extends LocalSuite {
  readonly token: string;
  stop(): Promise<void>;
}

/** The local platform, for the length of a test file. */
export async function startLocal(): Promise<TestSuite> {
  const dataDir = await mkdtemp(join(tmpdir(), "client-"));
  const env = { PORT: "0", REGISTRY_PORT: "0", DATA_DIR: dataDir, ALIEN_CALLER_TOKEN: "token-of-the-caller" };
  const suite = await serveLocal(env, { audit: () => {} });
  return {
    ...suite,
    token: env.ALIEN_CALLER_TOKEN,
    async stop() {
      await suite.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
