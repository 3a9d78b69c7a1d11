import { isIssuerUrl, platformIssuers } from "./caller.ts";
import type { OperationName } from "./operations.ts";
import { matches, type Rule, type RuleCaller } from "./rules.ts";

/** A rule that cannot mean what it says. */
export interface Nonsense {
  /** The path of the field, as `0.callers.1.issuer`. */
  readonly field: string;
  /** What is wrong, as a sentence that begins with what the field says. */
  readonly why: string;
  readonly hint: string;
}

/**
 * Finds the first rule that cannot mean what it says: an issuer that no door could ever name, claims of a caller who has
 * none, or a subject that strangers have too.
 *
 * @param issuers the issuers whose tokens this function takes, to the letter
 */
export function findNonsense(rules: readonly Rule[], issuers?: readonly string[]): Nonsense | undefined {
  for (const [place, rule] of rules.entries()) {
    for (const [at, caller] of rule.callers.entries()) {
      const found = nonsenseOf(caller, issuers);
      if (found) return { ...found, field: `${place}.callers.${at}.${found.field}` };
    }
  }
  return undefined;
}

function nonsenseOf(caller: RuleCaller, issuers: readonly string[] | undefined): Nonsense | undefined {
  const { issuer, subject, claims } = caller;
  if (isPlatform(issuer)) {
    if (claims === undefined) return undefined;
    const why = `Callers of the issuer "${issuer}" have no claims, so that nobody fits.`;
    return { field: "claims", why, hint: "Leave claims out; only tokens of an OIDC issuer have them." };
  }
  if (!issuers?.includes(issuer)) {
    const wrong = wrongIssuer(issuer);
    if (wrong) return { field: "issuer", ...wrong };
  }
  const shared = sharedIssuers[issuer];
  if (!shared || shared.subject.test(subject) || pinsOwner(caller, shared)) return undefined;
  return {
    field: "subject",
    why: `"${subject}" fits callers of strangers: everybody may have tokens of ${issuer}.`,
    hint: `Name the owner in the subject, as ${shared.example}, or in claims: ${[...shared.claims, ...(shared.paths ?? [])].join(", ")}.`,
  };
}

function wrongIssuer(issuer: string): Pick<Nonsense, "why" | "hint"> | undefined {
  const platform = platformIssuers.find((name) => name === issuer.toLowerCase());
  if (platform !== undefined) return { why: `No door knows the issuer "${issuer}".`, hint: `Write "${platform}".` };
  const expected = `Expected ${platformIssuers.join(", ")}, or the URL of an OIDC issuer, as tokens have it in "iss".`;
  if (!isIssuerUrl(issuer)) return { why: `No door knows the issuer "${issuer}".`, hint: expected };
  if (!issuer.endsWith("/") || slashed.some((each) => each.test(issuer))) return undefined;
  return {
    why: `The issuer "${issuer}" ends with a slash, and "iss" in tokens hardly ever does.`,
    hint: `Write it as tokens have it. If they do have the slash, ALIEN_OIDC_ISSUERS must name it so, too.`,
  };
}

/** Issuers that do end with a slash: version 1 of Microsoft Entra's tokens, and Auth0. */
const slashed = [
  /^https:\/\/sts\.(?:windows\.net|chinacloudapi\.cn)\/[0-9a-f-]{36}\/$/,
  /^https:\/\/[a-z0-9.-]+\.auth0\.com\/$/,
];

function isPlatform(issuer: string): boolean {
  return (platformIssuers as readonly string[]).includes(issuer);
}

/** An issuer that gives tokens to everybody who has an account. */
interface SharedIssuer {
  /** How the pattern of a subject begins that only one owner's tokens fit. */
  readonly subject: RegExp;
  readonly example: string;
  /** The claims that tell the owner as a whole. */
  readonly claims: readonly string[];
  /** The claims that are paths, the first part of which tells the owner. */
  readonly paths?: readonly string[];
}

/**
 * Where many tenants share one issuer, and what tells them apart in its tokens. From the documents of each: GitHub "OpenID
 * Connect reference", GitLab "ID token authentication", Google "OpenID Connect", Buildkite "OIDC", HCP Terraform "Workload
 * identity tokens", Vercel "OIDC federation". GitHub's `job_workflow_ref` is none of them: whoever calls a public workflow has it.
 */
const sharedIssuers: Readonly<Record<string, SharedIssuer>> = {
  "https://token.actions.githubusercontent.com": {
    subject:
      /^(?:repo(?:sitory)?:[^/:*]+\/|(?:repository_owner|repository_owner_id|repository_id|enterprise|enterprise_id):[^:*]+(?::|$))/,
    example: "repo:acme/*",
    claims: ["repository_owner", "repository_owner_id", "repository_id", "enterprise", "enterprise_id"],
    paths: ["repository", "workflow_ref"],
  },
  "https://gitlab.com": {
    subject: /^project_path:[^/:*]+\//,
    example: "project_path:acme/*",
    claims: ["namespace_id", "project_id"],
    paths: ["namespace_path", "project_path"],
  },
  "https://accounts.google.com": {
    // A subject is the account's number.
    subject: /^[^*]+$/,
    example: "a service account's number",
    claims: ["email", "hd"],
  },
  "https://agent.buildkite.com": {
    subject: /^organization:[^:*]+:/,
    example: "organization:acme:*",
    claims: ["organization_slug", "organization_id", "pipeline_id"],
  },
  "https://app.terraform.io": {
    subject: /^organization:[^:*]+:/,
    example: "organization:acme:*",
    claims: [
      "terraform_organization_id",
      "terraform_organization_name",
      "terraform_project_id",
      "terraform_workspace_id",
    ],
  },
  "https://oidc.vercel.com": {
    subject: /^owner:[^:*]+:/,
    example: "owner:acme:*",
    claims: ["owner_id", "owner", "project_id"],
  },
};

function pinsOwner({ claims = {} }: RuleCaller, shared: SharedIssuer): boolean {
  const pins = (name: string, isPath: boolean) => {
    const patterns = [claims[name] ?? []].flat();
    if (patterns.length === 0) return false;
    return patterns.every((text) => !text.includes("*") || (isPath && /^[^/*]+\//.test(text)));
  };
  return shared.claims.some((name) => pins(name, false)) || (shared.paths ?? []).some((name) => pins(name, true));
}

/**
 * Tells the operator about rules that are valid and may still not say what was meant.
 *
 * @param issuers the issuers whose tokens this function takes; undefined where it takes none
 * @returns one or two sentences for each such rule, which is named by its place in the list, from 0
 */
export function warningsAbout(rules: readonly Rule[], issuers?: readonly string[]): string[] {
  return rules.flatMap((each, place) => [...unsaidPermissions(each, place), ...unknownIssuers(each, place, issuers)]);
}

function unsaidPermissions(each: Rule, place: number): string[] {
  if (!covers(each, "generateCredentials") || each.permissions !== undefined) return [];
  const [first, ...others] = each.callers.map(({ issuer, subject }) => `${issuer} ${subject}`);
  const callers = others.length === 0 ? first : `${first} and ${others.length} more`;
  return [
    `Access rule ${place} (callers: ${callers ?? "none"}) allows generateCredentials and has no "permissions": ` +
      `its callers may pull, and may not push. Write "permissions": ["pull"] to keep it so, or ` +
      `["pull", "push-pull"] if they push.`,
  ];
}

function unknownIssuers(each: Rule, place: number, issuers: readonly string[] | undefined): string[] {
  if (issuers === undefined) return [];
  const unknown = each.callers
    .map(({ issuer }) => issuer)
    .filter((name) => !isPlatform(name) && !issuers.includes(name));
  return [...new Set(unknown)].map(
    (issuer) =>
      `Access rule ${place} names the issuer ${issuer}, which is not in ALIEN_OIDC_ISSUERS: this door lets none of its callers in.`,
  );
}

/** Whether the rule lets its callers do this anywhere. */
function covers(each: Rule, operation: OperationName): boolean {
  return each.operations.some((text) => matches(text, operation));
}
