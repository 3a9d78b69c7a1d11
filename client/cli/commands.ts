import { bindingVariable } from "../../core/platform.ts";
import type { Connection } from "../connection.ts";
import type { OperationName, Operations, RepositoryResponse } from "../types.ts";
import { type LoggedIn, login } from "./login.ts";
import { consumers, credentialsView, description, grants, pairs } from "./views.ts";

/** What a command was asked, for questions and answers that name it. */
export interface Asked<Name extends OperationName> {
  readonly registry: string;
  readonly input: Operations[Name]["input"];
}

/** A row of the table of commands. Its arguments and options are those of its operation's schema. */
export interface CommandEntry<Name extends OperationName = OperationName, Output = Operations[Name]["output"]> {
  readonly operation: Name;
  /** Where it is not the operation's own. */
  readonly summary?: string;
  /** What is under way, as "Creating the repository". */
  readonly progress: string;
  /** Milliseconds that the call may take, where it is not the client's usual time. */
  readonly timeoutMs?: number;
  /** Values of options that the operation requires and people need not say. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** What is asked before it destroys something. */
  question?(asked: Asked<Name>): string;
  /** What it does, where that is more than the operation. */
  perform?(connection: Connection, input: Operations[Name]["input"], signal: AbortSignal): Promise<Output>;
  /** The answer for people. */
  show(output: Output, asked: Asked<Name>): string;
  /** The one thing of the answer that a script wants, for --quiet. */
  essence?(output: Output): string;
  /** What people should know about the answer, on the standard error. */
  warning?(output: Output): string | undefined;
}

const repository = {
  show: (output: RepositoryResponse) => pairs({ Name: output.name, URI: output.uri, Created: output.createdAt }),
  essence: (output: RepositoryResponse) => output.name,
};

/** Provisioning waits for what a cloud makes. */
const provisioningMs = 15 * 60_000;

/** The commands that are operations. A new operation is an entry here; a test holds that each has one. */
export const commands = {
  create: { operation: "createRepository", progress: "Creating the repository", ...repository },
  get: { operation: "getRepository", progress: "Looking for the repository", ...repository },
  setup: { operation: "setupRepository", progress: "Setting the repository up", ...repository },
  delete: {
    operation: "deleteRepository",
    progress: "Deleting the repository",
    question: ({ input: { repoId } }) => `Delete the repository "${repoId}" with all its images?`,
    show: (_output, { input: { repoId } }) => `Deleted ${repoId}.\n`,
  } satisfies CommandEntry<"deleteRepository">,
  login: {
    operation: "generateCredentials",
    summary: "Log Docker, podman and skopeo in, with short-lived credentials for one repository",
    progress: "Logging in",
    defaults: { permissions: "pull" },
    perform: login,
    show: ({ host, expiresAt }, { input: { repoId, permissions } }) =>
      `Logged in to ${host} for ${permissions} of ${repoId}${expiresAt === undefined ? "" : `, until ${expiresAt}`}.\n`,
    warning: ({ helper, file }) =>
      helper === undefined
        ? `The password lies in ${file} until it expires: with a credential helper ("credsStore") it would not.`
        : undefined,
  } satisfies CommandEntry<"generateCredentials", LoggedIn>,
  credentials: {
    operation: "generateCredentials",
    summary: "Print short-lived credentials, password included",
    progress: "Minting the credentials",
    defaults: { permissions: "pull" },
    show: credentialsView,
    essence: ({ password }) => password,
  } satisfies CommandEntry<"generateCredentials">,
  grant: {
    operation: "addCrossAccountAccess",
    summary: "Let other accounts pull, beside those that may already",
    progress: "Granting access",
    show: (_output, { input: { repoId, access } }) => `Granted pulls of ${repoId} to ${consumers(access)}.\n`,
  } satisfies CommandEntry<"addCrossAccountAccess">,
  revoke: {
    operation: "removeCrossAccountAccess",
    summary: "Take pulls away from other accounts, erring on the side of revoking",
    progress: "Revoking access",
    show: (_output, { input: { repoId, access } }) => `Revoked pulls of ${repoId} from ${consumers(access)}.\n`,
  } satisfies CommandEntry<"removeCrossAccountAccess">,
  access: {
    operation: "getCrossAccountAccess",
    progress: "Reading who may pull",
    show: grants,
    essence: (output) => JSON.stringify(output.grants),
    warning: ({ scope }) => (scope === "registry" ? "Grants act for every repository of this registry." : undefined),
  } satisfies CommandEntry<"getCrossAccountAccess">,
  describe: {
    operation: "describeRegistry",
    progress: "Asking the registry",
    show: description,
    essence: ({ registryEndpoint }) => registryEndpoint,
  } satisfies CommandEntry<"describeRegistry">,
  provision: {
    operation: "provisionRegistry",
    progress: "Provisioning the registry",
    timeoutMs: provisioningMs,
    show: ({ binding }, { registry }) =>
      `Provisioned. Bind the function to it:\n\n${bindingVariable(registry)}='${JSON.stringify(binding).replaceAll("'", "'\\''")}'\n`,
    essence: ({ binding }) => JSON.stringify(binding),
  } satisfies CommandEntry<"provisionRegistry">,
  deprovision: {
    operation: "deprovisionRegistry",
    progress: "Removing the registry",
    timeoutMs: provisioningMs,
    question: ({ registry, input: { deleteRepositories = false } }) =>
      `Remove the registry "${registry}"${deleteRepositories ? " with all its repositories and images" : ""}?`,
    show: (_output, { registry }) => `Removed the registry ${registry}.\n`,
  } satisfies CommandEntry<"deprovisionRegistry">,
} as const satisfies Record<string, CommandEntry>;
