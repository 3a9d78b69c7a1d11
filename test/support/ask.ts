import { createApplication } from "../../core/application.ts";
import type { AuditLine } from "../../core/audit.ts";
import { doorCaller } from "../../core/caller.ts";
import { createHttp } from "../../core/http.ts";
import type { Environment, Platform } from "../../core/platform.ts";
import { fixedRules } from "../../core/rules-source.ts";
import { readDirectory } from "../../core/suite.ts";
import type { RetryPolicy } from "../../core/waiting.ts";
import { allowAll } from "./inputs.ts";

export interface Asked {
  readonly answer: {
    readonly status: number;
    readonly text: string;
    readonly body: Readonly<Record<string, unknown>>;
  };
  /** As JSON. */
  readonly audit: string;
}

/** One operation in this process on the registry `images`, with as many tries of each request as a test wants to see. */
export async function askOnce(
  platform: Platform,
  env: Environment,
  { operation, input = {} }: { readonly operation: string; readonly input?: object },
  retry: RetryPolicy = { attempts: 1, baseMs: 1, capMs: 1 },
): Promise<Asked> {
  const rules = [allowAll("door")];
  const lines: AuditLine[] = [];
  const application = createApplication({
    directory: readDirectory(platform, env, rules, ["images"]),
    rules: fixedRules(rules),
    door: { name: "local", accepts: "http", admits: () => true, authenticate: async () => doorCaller("alice") },
    audit: (line) => void lines.push(line),
    retry,
  });
  const request = new Request(`http://127.0.0.1/v1/${operation}`, {
    method: "POST",
    body: JSON.stringify({ registry: "images", ...input }),
  });
  const { status, body: text } = await createHttp(application)(request);
  return { answer: { status, text, body: JSON.parse(text) }, audit: JSON.stringify(lines) };
}
