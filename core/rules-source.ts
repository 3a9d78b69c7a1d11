import { readFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { ArtifactRegistryError } from "./errors.ts";
import { validate } from "./operation.ts";
import type { Environment } from "./platform.ts";
import { findNonsense, warningsAbout } from "./rule-meaning.ts";
import { callerFields, type Rule, ruleFields, ruleList } from "./rules.ts";
import type { Finding } from "./schemas.ts";

/** Where the access rules come from, asked at every operation. */
export interface RulesSource {
  /** Never throws: rules that cannot be read any more leave the last good ones in force. */
  current(): Promise<RulesNow>;
}

export interface RulesNow {
  readonly rules: readonly Rule[];
  /** Why these are not the newest rules. */
  readonly problem?: Finding;
}

/** Rules that never change. */
export function fixedRules(rules: readonly Rule[]): RulesSource {
  const now = { rules };
  return { current: async () => now };
}

/** Takes a sentence that an operator should read. A warning refuses nothing. */
export type Warn = (message: string) => void;

export interface RulesOptions {
  /** Is told of each rule that may not say what was meant, and of a file that cannot be used any more. */
  readonly warn: Warn;
  /** The issuers whose tokens this function takes. */
  readonly issuers?: readonly string[] | undefined;
  /** Milliseconds between two looks at the file. Default 1,000. */
  readonly lookEveryMs?: number;
}

/**
 * Reads the access rules of `ALIEN_ACCESS_RULES`, or of the file that `ALIEN_ACCESS_RULES_FILE` names. The file is read again
 * when it has changed, and a change that is no list of rules is told and otherwise ignored.
 *
 * @returns undefined where neither is set; without rules everything is denied
 * @throws BINDING_CONFIG_INVALID naming the field
 */
export function readRules(env: Environment, options: RulesOptions): RulesSource | undefined {
  const { ALIEN_ACCESS_RULES: text, ALIEN_ACCESS_RULES_FILE: file } = env;
  if (text !== undefined && file !== undefined) {
    throw new ArtifactRegistryError(
      "BINDING_CONFIG_INVALID",
      "ALIEN_ACCESS_RULES and ALIEN_ACCESS_RULES_FILE are set.",
      { hint: "Keep one of them." },
    );
  }
  if (file !== undefined) return watchedRules(file, options);
  if (text === undefined) return undefined;
  const rules = parseRules(text, options.issuers);
  for (const message of warningsAbout(rules, options.issuers)) options.warn(message);
  return fixedRules(rules);
}

/**
 * @param text JSON, the value of `ALIEN_ACCESS_RULES`
 * @param issuers the issuers whose tokens this function takes: each may be named as it stands
 * @throws BINDING_CONFIG_INVALID naming the field
 */
export function parseRules(text: string, issuers?: readonly string[]): Rule[] {
  try {
    const rules = validate(ruleList, JSON.parse(text));
    const nonsense = findNonsense(rules, issuers);
    if (nonsense === undefined) return rules;
    const { field, why, hint } = nonsense;
    throw invalid(`"${field}": ${why}`, hint);
  } catch (error) {
    if (error instanceof ArtifactRegistryError && error.code !== "INVALID_INPUT") throw error;
    const why = error instanceof ArtifactRegistryError ? error.message : "It is not JSON.";
    const list = (fields: typeof ruleFields) => fields.map(({ name, optional }) => (optional ? `${name}?` : name));
    const hint = `Expected a JSON list of {${list(ruleFields).join(", ")}}, with callers as {${list(callerFields).join(", ")}}.`;
    throw invalid(why, hint, error);
  }
}

function invalid(why: string, hint: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The access rules are not valid. ${why}`, { hint, cause });
}

function watchedRules(file: string, { warn, issuers, lookEveryMs = 1_000 }: RulesOptions): RulesSource {
  let text = "";
  let now: RulesNow = { rules: [] };
  const take = (read: string) => {
    const rules = parseRules(read, issuers);
    for (const message of warningsAbout(rules, issuers)) warn(message);
    [text, now] = [read, { rules }];
  };
  try {
    take(readFileSync(file, "utf8"));
  } catch (error) {
    throw unreadable(file, error);
  }

  // Whatever replaces a file gives it another inode, size or time of change.
  const look = async () => {
    const { ino, size, ctimeMs } = await stat(file);
    return [ino, size, ctimeMs].join();
  };
  let seen: string | undefined;
  let lookedAt = performance.now();
  const refresh = async () => {
    try {
      const state = await look();
      if (state === seen) return;
      const read = await readFile(file, "utf8");
      if (read !== text || now.problem) take(read);
      seen = state;
    } catch (error) {
      const { message, hint } = unreadable(file, error);
      const problem = { message: `${message} The rules that were read last stay in force.`, ...(hint && { hint }) };
      if (problem.message !== now.problem?.message) warn(problem.message);
      now = { rules: now.rules, problem };
      seen = undefined;
    }
  };
  let refreshing = Promise.resolve();
  return {
    async current() {
      if (performance.now() - lookedAt >= lookEveryMs) {
        lookedAt = performance.now();
        refreshing = refresh();
      }
      await refreshing;
      return now;
    },
  };
}

function unreadable(file: string, cause: unknown): ArtifactRegistryError {
  if (cause instanceof ArtifactRegistryError) return cause;
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `ALIEN_ACCESS_RULES_FILE cannot be read: ${file}.`, {
    cause,
  });
}
