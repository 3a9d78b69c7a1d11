import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { createApplication } from "../../core/application.ts";
import { type Audit, auditToStdout } from "../../core/audit.ts";
import { readLimits } from "../../core/budget.ts";
import { doorCaller } from "../../core/caller.ts";
import { localDoor } from "../../core/doors.ts";
import { createHttp } from "../../core/http.ts";
import { passingPageKey, readPageKey } from "../../core/pages.ts";
import { bindingVariable, type Environment } from "../../core/platform.ts";
import { allowEverything } from "../../core/rules.ts";
import { fixedRules, readRules, type Warn } from "../../core/rules-source.ts";
import { apiBodies, apiRequestTimeout, refusal, requestListener } from "../../core/server/http.ts";
import { readPort, requireOwnDoor, settingRefused } from "../../core/server/process.ts";
import { openDoor, readDirectory } from "../../core/suite.ts";
import { listen, stopListening, urlOf } from "../../oci/http/listening.ts";
import { createHttpServer } from "../../oci/http/server.ts";
import { bindRegistry } from "../../oci/registry/index.ts";
import { makeRevocationList, openCredentials } from "./credentials.ts";
import { localPlatform } from "./platform.ts";
import { audience } from "./registry-client.ts";

/** The registry that is bound without any configuration. */
export const defaultRegistry = "images";

export interface LocalSuite {
  readonly url: string;
  readonly registryUrl: string;
  /** The registries whose names are known. */
  readonly registries: readonly string[];
  readonly settings: LocalSettings;
  /** Stops listening and finishes the requests in flight, for at most `graceMs`. */
  close(): Promise<void>;
}

export interface LocalSuiteOptions {
  readonly audit?: Audit;
  /** Takes a line for each request to the registry, and for what the registry removes by itself. Default: none. */
  readonly access?: (line: object) => void;
  /** Takes errors that no caller sees. */
  readonly log?: (message: string, cause: unknown) => void;
  /** Takes, at start, what an operator should know. */
  readonly warn?: Warn;
  readonly now?: () => Date;
  /** Milliseconds for which a stop waits for requests in flight before it cuts them off. Default: 30,000. */
  readonly graceMs?: number;
}

/**
 * Starts the suite with a registry of its own. The HTTP API listens on `PORT`, the registry on `REGISTRY_PORT`.
 *
 * @throws ArtifactRegistryError for a bad setting, DataFolderError for a folder that cannot be used, the error of
 *   listening for a port that is taken
 */
export async function serveLocal(env: Environment, options: LocalSuiteOptions = {}): Promise<LocalSuite> {
  const { audit = auditToStdout, now = () => new Date(), warn = () => {}, graceMs = 30_000 } = options;
  const settings = readSettings(env);
  const { host, dataDir } = settings;
  const access = settings.accessLog ? options.access : undefined;
  // The holder of the caller token may do everything, because this is the developer's own machine.
  const door = env.ALIEN_DOOR === undefined ? localDoor(settings.callerToken) : await openDoor(env);
  const rules = readRules(env, { warn, issuers: door.issuers }) ?? fixedRules(allowEverything(doorCaller("local")));
  const { rules: atStart } = await rules.current();
  // Nobody else goes on with this server's lists, so a key of its own will do.
  const pages = env.ALIEN_PAGE_KEY === undefined ? passingPageKey() : readPageKey(env);
  // The bindings are read once before anything listens, so that a bad binding is reported before a port is taken.
  const bound: Environment = { [bindingVariable(defaultRegistry)]: '{"service":"local"}', ...env };
  // Adapter and registry share the keys, because the file may be removed while the server runs.
  const credentials = openCredentials(dataDir, (error) =>
    options.log?.("The signing keys cannot be read again, so that the former ones stay", error),
  );
  const directoryFor = (registryUrl: string) =>
    readDirectory(localPlatform({ registryUrl, dataDir, credentials }), bound, atStart, [defaultRegistry]);
  directoryFor("http://127.0.0.1");

  // Both ports are taken before the folder is opened, because opening the registry discards unfinished uploads, and
  // those may belong to a server that still runs.
  const registryPort = await bindRegistry({ host, port: settings.registryPort });
  const registryUrl = settings.registryUrl ?? registryPort.url;
  const directory = directoryFor(registryUrl);
  const http = createHttp(
    createApplication({
      directory,
      rules,
      door,
      audit,
      now,
      limits: readLimits(env),
      pages,
    }),
  );
  const server = createHttpServer(
    {
      requestTimeout: apiRequestTimeout,
      bodies: apiBodies,
      refusal,
      failed: (error) => options.log?.("A request to the API could not be answered", error),
    },
    requestListener((request, { socket }) => http(request, { address: socket.remoteAddress })),
  );
  try {
    await listen(server, { host, port: settings.port });
    // A file that holds no key must end the start.
    await credentials.keys();
    const registry = await registryPort.open({
      dataDir,
      key: credentials.keys,
      revocations: credentials.revocations,
      service: audience,
      clock: now,
      graceMs,
      ...(settings.collectUntaggedDays > 0 && {
        collect: {
          untaggedMs: settings.collectUntaggedDays * 24 * hourMs,
          keepLast: settings.collectKeepLast,
          everyMs: 6 * hourMs,
          removed: ({ kind, repository: repoId, digest: reference, bytes }) =>
            access?.({
              time: now().toISOString(),
              door: "registry",
              operation: "collectGarbage",
              repoId,
              reference,
              kind,
              bytes,
            }),
        },
      }),
      ...(settings.verifyHours > 0 && { verify: { everyMs: settings.verifyHours * hourMs } }),
      ...(settings.registryUrl !== undefined && { publicUrl: settings.registryUrl }),
      ...(access && { access }),
      ...(options.log && { log: options.log }),
    });
    // On a full disk the registry still serves pulls, and no list means that nothing is revoked.
    await makeRevocationList(dataDir).catch((error: unknown) =>
      options.log?.("The list of revoked credentials cannot be made", error),
    );
    return {
      url: urlOf(server, host),
      registryUrl,
      registries: directory.names(),
      settings,
      async close() {
        // The API stops first, because its requests in flight may still need the registry.
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

const hourMs = 60 * 60 * 1000;

/** @throws BINDING_CONFIG_INVALID if the variable holds no number from 0 to 10,000 */
function readNumber(env: Environment, variable: string, otherwise: number): number {
  const text = env[variable];
  if (text === undefined || text === "") return otherwise;
  if (/^\d{1,5}(\.\d+)?$/.test(text) && Number(text) <= 10_000) return Number(text);
  throw settingRefused(`${variable} must be a number from 0 to 10,000.`);
}

/** @returns whether it is on, as it is by default. @throws BINDING_CONFIG_INVALID if the variable holds neither `on` nor `off` */
function readSwitch(env: Environment, variable: string): boolean {
  const text = env[variable] || "on";
  if (text === "on" || text === "off") return text === "on";
  throw settingRefused(`${variable} must be on or off.`);
}

/** What the environment sets for the local server. */
export interface LocalSettings {
  readonly host: string;
  readonly port: number;
  readonly registryPort: number;
  readonly dataDir: string;
  /** URL of the registry as its clients reach it, if that is not `http://{host}:{registryPort}`. */
  readonly registryUrl: string | undefined;
  /** Hours from one reading of everything to the next; 0 for never. */
  readonly verifyHours: number;
  /** Days after which untagged images are removed; 0 for never. */
  readonly collectUntaggedDays: number;
  /** How many untagged images of each repository stay, whatever their age. */
  readonly collectKeepLast: number;
  /** Whether each request to the registry is logged. */
  readonly accessLog: boolean;
  readonly callerToken: string;
  /** Whether the token was generated here, and so must be printed. */
  readonly callerTokenIsNew: boolean;
}

/** @throws BINDING_CONFIG_INVALID naming the variable */
function readSettings(env: Environment): LocalSettings {
  requireOwnDoor(
    env,
    "Without ALIEN_DOOR callers send the caller token. With oidc they send a token of an issuer in ALIEN_OIDC_ISSUERS.",
  );
  const given = env.ALIEN_CALLER_TOKEN;
  if (given !== undefined && !/^[\x21-\x7e]{8,512}$/.test(given)) {
    throw settingRefused("ALIEN_CALLER_TOKEN must be 8 to 512 visible characters without spaces.");
  }
  const registryUrl = env.REGISTRY_URL || undefined;
  if (registryUrl !== undefined && !(URL.canParse(registryUrl) && /^https?:$/.test(new URL(registryUrl).protocol))) {
    throw settingRefused("REGISTRY_URL must be an http or https URL.");
  }
  return {
    host: env.HOST || "127.0.0.1",
    port: readPort(env, "PORT", 8080),
    registryPort: readPort(env, "REGISTRY_PORT", 5050),
    dataDir: resolve(env.DATA_DIR || ".data"),
    registryUrl,
    verifyHours: readNumber(env, "VERIFY_HOURS", 24),
    collectUntaggedDays: readNumber(env, "COLLECT_UNTAGGED_DAYS", 7),
    collectKeepLast: readNumber(env, "COLLECT_KEEP_LAST", 3),
    accessLog: readSwitch(env, "ACCESS_LOG"),
    callerToken: given ?? randomBytes(24).toString("base64url"),
    callerTokenIsNew: given === undefined,
  };
}
