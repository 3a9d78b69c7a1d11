import { randomBytes } from "node:crypto";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { Permissions } from "../../../core/schemas.ts";
import { type Credentials, type OciClient, OciError } from "../../../oci/client/index.ts";
import { ask, type ExternalContext } from "./context.ts";

type Action = "pull" | "push" | "delete";

export interface Claimed {
  readonly name: RoutableName;
  readonly permissions: Permissions;
  /** Repositories that the credentials pull from as well. */
  readonly alsoPull?: readonly RoutableName[];
  readonly scope: "repository" | "registry";
}

const noDigest = `sha256:${"0".repeat(64)}`;
/** The statuses with which a registry denies a request. Any other answer means that it would allow the request. */
const denials = new Set([401, 403, 405]);

/**
 * Tries out credentials whose claims do not tell what they open. They must not delete (unless they may push, and the binding
 * accepts that with `pushMayDelete`), nor push where they are for pulls, nor open anything beside the repositories (or outside the registry's prefix). This changes nothing: what we ask for does not exist,
 * and we cancel an upload at once if it could begin.
 *
 * @throws OPERATION_NOT_SUPPORTED if they open too much, ACCESS_DENIED if they do not open each repository
 */
export async function tryOut(
  context: ExternalContext,
  credentials: Credentials,
  { name, permissions, alsoPull = [], scope }: Claimed,
  call: Call,
): Promise<void> {
  const attempt = await attemptsWith(context, credentials, call);
  for (const each of [name, ...alsoPull]) if (!(await attempt("pull", each))) throw tooNarrow(context);
  const beyond = beside(scope === "repository" ? name : context.binding.repositoryPrefix);
  const forbidden: [Action, string][] = [
    ...(permissions === "push-pull" && context.binding.pushMayDelete
      ? []
      : [["delete", name] satisfies [Action, string]]),
    ...(permissions === "pull" ? [["push", name] satisfies [Action, string]] : []),
    ...alsoPull.flatMap((each): [Action, string][] => [
      ["delete", each],
      ["push", each],
    ]),
    ...(beyond === undefined ? [] : (["pull", "push"] as const).map((action): [Action, string] => [action, beyond])),
  ];
  for (const [action, where] of forbidden) {
    if (await attempt(action, where))
      throw tooWide(context, action, where === beyond ? `what lies outside its ${scope}` : "the repository");
  }
}

/**
 * Tries out whether credentials to push delete as well, unless the binding accepts that.
 *
 * @throws OPERATION_NOT_SUPPORTED if they do
 */
export async function tryDeletion(
  context: ExternalContext,
  credentials: Credentials,
  name: RoutableName,
  call: Call,
): Promise<void> {
  if (context.binding.pushMayDelete) return;
  const attempt = await attemptsWith(context, credentials, call);
  if (await attempt("delete", name)) throw tooWide(context, "delete", "the repository", [acceptable]);
}

/** Returns what tells whether the credentials open a repository for an action. */
async function attemptsWith({ connection, host }: ExternalContext, credentials: Credentials, call: Call) {
  const client = await connection.with(credentials);
  return (action: Action, where: string) =>
    ask(call, `try to ${action}`, host, "credentials", (signal) => isOpen(client.withSignal(signal), action, where));
}

/**
 * Names a repository that the credentials must not open: it lies in the same folder, and begins like the one that they open.
 *
 * @returns undefined where they may open everything
 */
function beside(opened: string | undefined): string | undefined {
  if (opened === undefined) return undefined;
  // Short enough for the name to stay a legal one.
  const stem = opened.slice(0, 200).replace(/[^a-z0-9]+$/, "");
  return `${stem}-tried-out-${randomBytes(8).toString("hex")}`;
}

async function isOpen(client: OciClient, action: Action, name: string): Promise<boolean> {
  try {
    if (action === "pull") await client.headManifest(name, noDigest);
    else if (action === "push") await client.tryUpload(name);
    else await client.deleteManifest(name, noDigest);
    return true;
  } catch (error) {
    if (!(error instanceof OciError) || error.code === "REALM_REFUSED") throw error;
    const { status } = error;
    const saysNothing = status === 0 || status === 429 || status >= 500;
    if (saysNothing) throw error;
    return !denials.has(status);
  }
}

function tooNarrow({ host }: ExternalContext): ArtifactRegistryError {
  return new ArtifactRegistryError("ACCESS_DENIED", `The credentials that ${host} gives do not open the repository.`, {
    hint: "Check that the account's files are up to date, and that the account may pull below the registry's prefix.",
  });
}

const acceptable =
  "If whoever pushes may delete as well, as at Quay, set pushMayDelete in the binding: the capabilities then say so.";

function tooWide(
  { host, binding }: ExternalContext,
  action: Action,
  where: string,
  hints: readonly string[] = [
    binding.staticCredentials
      ? "Restrict the account at the registry, or at a proxy in front of it: to pull, or to pull and push, below the prefix. " +
        "The registry must refuse the rest with 401 or 403: it answers 404 also to an account that may do everything."
      : "Its tokens are not bound to one repository. Bind restricted accounts, and set staticCredentials to hand them out.",
    ...(action === "delete" ? [acceptable] : []),
  ],
): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "OPERATION_NOT_SUPPORTED",
    `The credentials that ${host} gives would ${action} beyond what they say: ${where}.`,
    { hint: hints.join(" ") },
  );
}
