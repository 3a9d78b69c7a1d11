import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { localPlatform, openCredentials } from "../../functions/local/index.ts";
import { serveRegistry } from "../../oci/registry/index.ts";
import { contractSuite } from "./suite.ts";

contractSuite({
  name: "local",
  async start() {
    const dataDir = await mkdtemp(join(tmpdir(), "contract-local-"));
    const { keys, revocations } = openCredentials(dataDir);
    let ahead = 0;
    const clock = () => new Date(Date.now() + ahead);
    const registry = await serveRegistry({ dataDir, key: keys, revocations, host: "127.0.0.1", port: 0, clock });
    const binding = JSON.stringify({ service: "local", registryUrl: registry.url, dataDir });
    return {
      platform: localPlatform({ registryUrl: registry.url, dataDir }),
      env: { ALIEN_IMAGES_BINDING: binding, ALIEN_BUILDS_BINDING: binding },
      advance(milliseconds) {
        ahead += milliseconds;
        // The adapter, whose clock is the machine's, must be believed again by the next test.
        onTestFinished(() => {
          ahead -= milliseconds;
        });
      },
      async stop() {
        await registry.close();
        await rm(dataDir, { recursive: true, force: true });
      },
    };
  },
});
