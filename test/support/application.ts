import { type Application, type ApplicationOptions, createApplication } from "../../core/application.ts";
import type { AuditLine } from "../../core/audit.ts";
import type { RegistryDirectory } from "../../core/bindings.ts";
import { type Door, platformDoor } from "../../core/doors.ts";
import type { ErrorLine } from "../../core/error-log.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { createHttp, type HttpContext } from "../../core/http.ts";
import type { Rule } from "../../core/rules.ts";
import { fixedRules } from "../../core/rules-source.ts";
import { createFakeRegistry, type FakeOptions, type FakeRegistry } from "./fake-registry.ts";
import { allowAll } from "./inputs.ts";
import { watchedLog } from "./secrets.ts";

export const caller = { issuer: "aws", subject: "123456789012:role/pipeline" };
export const now = new Date("2026-05-06T07:08:09.123Z");

export interface Suite {
  readonly application: Application;
  /** Over HTTP, with the Fetch standard's own requests and responses. */
  http(request: Request, context?: HttpContext): Promise<Response>;
  readonly registry: FakeRegistry;
  readonly audit: AuditLine[];
  readonly errors: ErrorLine[];
  /** What the application was made of. */
  readonly options: ApplicationOptions;
  /** Names that were opened. */
  readonly opened: string[];
}

export interface SuiteOptions extends Partial<Omit<ApplicationOptions, "audit" | "rules">> {
  readonly door?: Door;
  readonly rules?: readonly Rule[];
  readonly fake?: FakeOptions;
}

/** Serves an application over HTTP, with the Fetch standard's own requests and responses. */
export function overFetch(application: Application): Suite["http"] {
  const http = createHttp(application);
  return async (request, context) => {
    const { body, ...rest } = await http(request, context);
    return new Response(body, rest);
  };
}

/** The whole core around a registry in memory, which is bound as `images`. */
export function createSuite({ fake, rules = ["aws", "door"].map(allowAll), ...options }: SuiteOptions = {}): Suite {
  const registry = createFakeRegistry(fake);
  const audit = watchedLog<AuditLine>();
  const errors = watchedLog<ErrorLine>();
  const opened: string[] = [];
  const directory: RegistryDirectory = {
    names: () => ["images"],
    async open(name) {
      opened.push(name);
      if (name === "images") return registry;
      throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", `No registry is bound under the name "${name}".`);
    },
  };
  const made: ApplicationOptions = {
    directory,
    door: platformDoor(),
    now: () => now,
    retry: { attempts: 2, baseMs: 1, capMs: 1 },
    ...options,
    rules: fixedRules(rules),
    audit: (line) => audit.push(line),
    errorLog: (line) => errors.push(line),
  };
  const application = createApplication(made);
  return { application, http: overFetch(application), registry, audit, errors, options: made, opened };
}

export function post(path: string, body: unknown, headers: Record<string, string> = {}): Request {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Request(`http://127.0.0.1${path}`, { method: "POST", body: text, headers });
}
