import { createApplication } from "../../core/application.ts";
import { type Audit, auditToStdout } from "../../core/audit.ts";
import { doorCaller } from "../../core/caller.ts";
import { localDoor } from "../../core/doors.ts";
import { createHttp } from "../../core/http.ts";
import { once } from "../../core/once.ts";
import { bindingVariable, type Environment } from "../../core/platform.ts";
import { allowEverything } from "../../core/rules.ts";
import { listen, stopListening, urlOf } from "../../core/server/listen.ts";
import { refusal, requestListener } from "../../core/server/requests.ts";
import { openDoor, readDirectory, readRules, type Warn } from "../../core/suite.ts";
import { createHttpServer } from "../../oci/http/server.ts";
import { bindRegistry } from "../../oci/registry/index.ts";
import { loadTokenKey } from "../../oci/token/index.ts";
import { keyFile, localPlatform } from "./platform.ts";
import { audience } from "./registry-client.ts";
import { readSettings, type Settings } from "./settings.ts";

/** The registry that works with no configuration at all. */
export const defaultRegistry = "images";

export interface LocalSuite {
  readonly url: string;
  readonly registryUrl: string;
  readonly settings: Settings;
  /** Stops listening, and finishes what is in flight, as long as that does not take too long. */
  close(): Promise<void>;
}

export interface LocalSuiteOptions {
  readonly audit?: Audit;
  /** Told what goes wrong inside. */
  readonly log?: (message: string, cause: unknown) => void;
  /** Told, at start, what an operator should know. */
  readonly warn?: Warn;
  readonly now?: () => Date;
  /** Milliseconds that a stop waits for what is in flight before it cuts it off; 30,000 by default. */
  readonly graceMs?: number;
}

/**
 * Starts the suite with its own registry inside: the HTTP API on `PORT`, the registry on `REGISTRY_PORT`.
 *
 * @throws ArtifactRegistryError for a bad setting, DataFolderError for a folder that cannot be used, the error of
 *   listening for a port that is taken
 */
export async function serveLocal(env: Environment, options: LocalSuiteOptions = {}): Promise<LocalSuite> {
  const { audit = auditToStdout, now = () => new Date(), warn = () => {}, graceMs = 30_000 } = options;
  const settings = readSettings(env);
  const { host, dataDir } = settings;
  // Whoever holds the caller token may do everything: it is the developer's own machine.
  const rules = readRules(env, warn) ?? allowEverything(doorCaller("local"));
  const door = env.ALIEN_DOOR === undefined ? localDoor(settings.callerToken) : await openDoor(env);
  // Read once before anything listens, so that a bad binding is told before the first port is taken.
  const bound: Environment = { [bindingVariable(defaultRegistry)]: '{"service":"local"}', ...env };
  // One key for both: the file may be removed or replaced while the server runs.
  const loadKey = once(() => loadTokenKey(keyFile(dataDir)));
  const directoryFor = (registryUrl: string) =>
    readDirectory(localPlatform({ registryUrl, dataDir, loadKey }), bound, rules, [defaultRegistry]);
  directoryFor("http://127.0.0.1");

  // Both ports before the folder: opening the registry throws away what the last server left unfinished.
  const registryPort = await bindRegistry({ host, port: settings.registryPort });
  const registryUrl = settings.registryUrl ?? registryPort.url;
  const http = createHttp(createApplication({ directory: directoryFor(registryUrl), rules, door, audit, now }));
  const server = createHttpServer(
    { refusal, failed: (error) => options.log?.("A request to the API could not be answered", error) },
    requestListener((request) => http(request)),
  );
  try {
    await listen(server, { host, port: settings.port });
    const registry = await registryPort.open({
      dataDir,
      key: await loadKey(),
      service: audience,
      clock: now,
      graceMs,
      ...(settings.registryUrl !== undefined && { publicUrl: settings.registryUrl }),
      ...(options.log && { log: options.log }),
    });
    return {
      url: urlOf(server, host),
      registryUrl,
      settings,
      async close() {
        // The API first: what it has in flight may still need the registry.
        await stopListening(server, graceMs);
        await registry.close();
      },
    };
  } catch (error) {
    if (server.listening) await stopListening(server, 0);
    await registryPort.close();
    throw error;
  }
}
