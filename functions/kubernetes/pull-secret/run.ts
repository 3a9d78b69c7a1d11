import { randomUUID } from "node:crypto";
import { startCall } from "../../../core/call.ts";
import { doorCaller } from "../../../core/caller.ts";
import type { Environment, Platform } from "../../../core/platform.ts";
import { pullSecretManifest } from "../../../core/pull-secret.ts";
import { explainStart } from "../../../core/server/process.ts";
import { askFunction, askInProcess } from "./ask.ts";
import { openCluster, ownNamespace } from "./cluster.ts";
import { fetchCredentials, freshness, writeSecret } from "./refresh.ts";
import { readPullSecretSettings } from "./settings.ts";

/** Seconds that a whole run may take. */
const runSeconds = 120;

/** Where a run writes the manifest and the log. */
export interface Output {
  readonly out: (text: string) => void;
  readonly log: (text: string) => void;
}

const toProcess: Output = {
  out: (text) => void process.stdout.write(text),
  log: (text) => void process.stderr.write(text),
};

/**
 * Runs once: asks for credentials and writes them into the cluster's Secret. With the argument `print` it writes the
 * manifest to the standard output instead, and asks no cluster. The log never holds a password.
 *
 * @returns the exit code; 1 if the Secret is not fresh after the run
 */
export async function runRefresh(
  platform: Platform,
  env: Environment,
  args: readonly string[],
  { out, log }: Output = toProcess,
): Promise<0 | 1> {
  const say = (level: "info" | "error", message: string, facts: object = {}) =>
    log(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...facts })}\n`);
  try {
    const settings = readPullSecretSettings(env);
    const { name, intervalSeconds, functionUrl } = settings;
    const print = args[0] === "print";
    const cluster = print ? undefined : openCluster(env);
    const namespace = settings.namespace ?? (print ? undefined : ownNamespace(env));
    const ask = functionUrl === undefined ? askInProcess(platform, settings, env, log) : askFunction(functionUrl, env);
    const signal = AbortSignal.timeout(runSeconds * 1_000);
    const call = startCall({
      requestId: randomUUID(),
      caller: doorCaller("refresh"),
      signal,
      now: () => new Date(),
    });

    const fetched = await fetchCredentials(settings, ask, call);
    const { entries, expiresAt } = fetched;
    if (!cluster || namespace === undefined) {
      out(`${JSON.stringify(pullSecretManifest({ name, namespace, expiresAt }, entries), null, 2)}\n`);
      return 0;
    }
    await writeSecret(cluster, { namespace, name }, fetched, call);
    const state = freshness(fetched, intervalSeconds, call.now());
    const facts = { namespace, name, images: entries.map(({ uri }) => uri), expiresAt: expiresAt?.toISOString() };
    say(state === "fresh" ? "info" : "error", messages[state], facts);
    return state === "gap" ? 1 : 0;
  } catch (error) {
    say("error", explainStart(error, ""));
    return 1;
  }
}

const messages = {
  fresh: "The Secret has new credentials.",
  short: "The Secret has new credentials, but they expire before two runs are over. If one run fails, pulls will fail.",
  gap: "The Secret has new credentials, but they expire before the next run. Run more often, or ask for a longer lifetime.",
} as const;
