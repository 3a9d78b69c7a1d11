import { randomUUID } from "node:crypto";
import { type Call, startCall } from "../../../core/call.ts";
import { doorCaller } from "../../../core/caller.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment, Platform } from "../../../core/platform.ts";
import { pullSecretManifest } from "../../../core/pull-secret.ts";
import { explainStart } from "../../../core/server/process.ts";
import { askFunction, askInProcess } from "./ask.ts";
import { type Cluster, openCluster, ownNamespace } from "./cluster.ts";
import { type Failure, type Fetched, fetchCredentials, firstEnd, freshness } from "./fetch.ts";
import { type Stale, writeSecret } from "./secret.ts";
import { type PullSecretSettings, readPullSecretSettings } from "./settings.ts";

/** Seconds that a whole run may take, and those after which no more credentials are asked for, so that what there is gets written. */
const runSeconds = 120;
const fetchSeconds = 80;
/** How many namespaces are written to at a time. */
const atOnce = 8;

/** 0: everything is fresh. 1: nothing could be refreshed, or it ends before the next run. 2: a part could not be refreshed. */
export type ExitCode = 0 | 1 | 2;

/** Where a run writes the manifest and the log. */
export interface Output {
  readonly out: (text: string) => void;
  readonly log: (text: string) => void;
}

const toProcess: Output = {
  out: (text) => void process.stdout.write(text),
  log: (text) => void process.stderr.write(text),
};

type Say = (level: "info" | "error", message: string, facts?: object) => void;

/**
 * Runs once: asks for credentials and writes them into the cluster's Secrets. With the argument `print` it writes the
 * manifest to the standard output instead, and asks no cluster. Neither the log nor an event ever holds a password.
 */
export async function runRefresh(
  platform: Platform,
  env: Environment,
  args: readonly string[],
  { out, log }: Output = toProcess,
): Promise<ExitCode> {
  const say: Say = (level, message, facts = {}) =>
    log(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...facts })}\n`);
  try {
    const settings = readPullSecretSettings(env);
    const print = args[0] === "print";
    const cluster = print ? undefined : openCluster(env);
    const namespace = settings.namespace ?? (print || settings.namespaceSelector ? undefined : ownNamespace(env));
    const ask =
      settings.functionUrl === undefined
        ? askInProcess(platform, settings, env, log)
        : askFunction(settings.functionUrl, env);
    const call = callUntil(runSeconds);
    const fetched = await fetchCredentials(settings, ask, callUntil(fetchSeconds));
    if (cluster === undefined) return printManifest(settings, fetched, out);
    const run: Run = { settings, cluster, fetched, call, say };
    const { namespaceSelector: selector } = settings;
    const namespaces = selector === undefined ? [namespace ?? ""] : await cluster.listNamespaces(selector, call);
    if (namespaces.length === 0) say("info", "No namespace has the labels that are asked for.", { selector });
    const outcomes: ExitCode[] = [];
    for (let i = 0; i < namespaces.length; i += atOnce) {
      outcomes.push(...(await Promise.all(namespaces.slice(i, i + atOnce).map((each) => refreshNamespace(run, each)))));
    }
    const worst = outcomes.filter((code) => code !== 0);
    if (worst.length === 0) return 0;
    return worst.length === outcomes.length && worst.every((code) => code === 1) ? 1 : 2;
  } catch (error) {
    say("error", explainStart(error, ""));
    return 1;
  }
}

function callUntil(seconds: number): Call {
  return startCall({
    requestId: randomUUID(),
    caller: doorCaller("refresh"),
    signal: AbortSignal.timeout(seconds * 1_000),
    now: () => new Date(),
  });
}

/** A manifest that lacks a repository would take its last entry away when it is applied. So it is all or nothing. */
function printManifest({ name, namespace }: PullSecretSettings, { entries, failures }: Fetched, out: Output["out"]): 0 {
  if (failures[0] !== undefined) throw failures[0].error;
  out(`${JSON.stringify(pullSecretManifest({ name, namespace, expiresAt: firstEnd(entries) }, entries), null, 2)}\n`);
  return 0;
}

interface Run {
  readonly settings: PullSecretSettings;
  readonly cluster: Cluster;
  readonly fetched: Fetched;
  readonly call: Call;
  readonly say: Say;
}

/** Refreshes the Secret of one namespace. What fails there is told, and keeps no other namespace from being refreshed. */
async function refreshNamespace(run: Run, namespace: string): Promise<ExitCode> {
  const { settings, cluster, fetched, call, say } = run;
  const { name, create, serviceAccounts, intervalSeconds } = settings;
  const { entries, failures } = fetched;
  try {
    if (entries.length === 0) {
      await tell(run, namespace, failures.map(reasonOf));
      say("error", explainStart(failures[0]?.error, ""), { namespace, name, failed: failures.map(factsOf) });
      return 1;
    }
    const stale = await writeSecret(cluster, { namespace, name, create }, fetched, call);
    for (const each of serviceAccounts) await cluster.addPullSecret(namespace, each, name, call);
    const expiresAt = firstEnd(entries);
    const state = freshness(expiresAt, intervalSeconds, call.now());
    const facts = { namespace, name, images: entries.map(({ uri }) => uri), expiresAt: expiresAt?.toISOString() };
    if (failures.length === 0) {
      say(state === "fresh" ? "info" : "error", messages[state], facts);
      return state === "gap" ? 1 : 0;
    }
    const failed = failures.map((failure, i) => ({ ...factsOf(failure), ...endOf(stale[i]) }));
    await tell(
      run,
      namespace,
      failures.map((failure, i) => `${reasonOf(failure)} ${keptOf(stale[i])}`),
    );
    say("error", messages.part, { ...facts, failed });
    return 2;
  } catch (error) {
    await tell(run, namespace, [explainStart(error, "")]);
    say("error", explainStart(error, ""), { namespace, name });
    return 1;
  }
}

/** Makes an Event of what went wrong, where people look for it. A cluster that takes none changes nothing else. */
async function tell(
  { settings: { name }, cluster, call, say }: Run,
  namespace: string,
  reasons: string[],
): Promise<void> {
  const event = {
    secret: name,
    type: "Warning",
    reason: "PullSecretNotRefreshed",
    message: reasons.join(" "),
  } as const;
  await cluster.createEvent(namespace, event, call).catch((error: unknown) => {
    say("info", `No event could be made. ${explainStart(error, "")}`, { namespace, name });
  });
}

function reasonOf({ repository, error }: Failure): string {
  return `${repository}: ${error instanceof ArtifactRegistryError ? `${error.code}, ${error.message}` : "failed."}`;
}

function factsOf({ repository, error }: Failure): object {
  return {
    repository,
    code: error instanceof ArtifactRegistryError ? error.code : "INTERNAL_ERROR",
    message: explainStart(error, ""),
  };
}

function endOf(stale: Stale | undefined): object {
  return { kept: stale?.kept ?? false, ...(stale?.expiresAt && { keptUntil: stale.expiresAt.toISOString() }) };
}

function keptOf(stale: Stale | undefined): string {
  if (!stale?.kept) return "It has no entry that is still of use.";
  return stale.expiresAt ? `Its last entry stays until ${stale.expiresAt.toISOString()}.` : "Its last entry stays.";
}

const messages = {
  fresh: "The Secret has new credentials.",
  short: "The Secret has new credentials, but they expire before two runs are over. If one run fails, pulls will fail.",
  gap: "The Secret has new credentials, but they expire before the next run. Run more often, or ask for a longer lifetime.",
  part: "The Secret has new credentials for a part of the repositories. The others keep their last entries until those end.",
} as const;
