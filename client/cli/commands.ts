import { bindingVariable } from "../../core/platform.ts";
import type { Connection } from "../connection.ts";
import type { OperationName, Operations, RepositoryResponse } from "../types.ts";
import { cutOff, type Ended, everyPage, type PerformContext } from "./listing.ts";
import { type LoggedIn, login } from "./login.ts";
import {
  consumers,
  credentialsNamed,
  credentialsView,
  description,
  grants,
  grantsOf,
  imageTable,
  pairs,
  repositoryTable,
  stillIn,
} from "./views.ts";

/** What a command was called with. Questions and answers repeat it. */
export interface Invocation<Name extends OperationName> {
  readonly registry: string;
  readonly input: Operations[Name]["input"];
}

/** A command of the command line. Its arguments and options come from the schema of its operation. */
export interface CommandEntry<Name extends OperationName = OperationName, Output = Operations[Name]["output"]> {
  readonly operation: Name;
  /** Present where the summary is not that of the operation. */
  readonly summary?: string;
  /** What the progress line says, such as "Creating the repository". */
  readonly progress: string;
  /** Milliseconds that the call may take. Default: the client's own. */
  readonly timeoutMs?: number;
  /** Values of options that the operation requires but people may leave out. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Asked before the command destroys something. */
  question?(invocation: Invocation<Name>): string;
  /** Present where the command does more than the operation. */
  perform?(connection: Connection, input: Operations[Name]["input"], context: PerformContext): Promise<Output>;
  /** Formats the answer for people. */
  show(output: Output, invocation: Invocation<Name>): string;
  /** The one part of the answer that a script needs, for --quiet. */
  essence?(output: Output): string | undefined;
  /** What people should know about the answer. It goes to the standard error. */
  warning?(output: Output): string | undefined;
}

const repository = {
  show: (output: RepositoryResponse) => pairs({ Name: output.name, URI: output.uri, Created: output.createdAt }),
  essence: (output: RepositoryResponse) => output.name,
};

/** What a script reads line by line; nothing where there is none. */
const lines = (names: readonly string[]) => (names.length === 0 ? undefined : names.join("\n"));

/** Provisioning waits until the cloud has made everything. */
const provisioningMs = 15 * 60_000;

/** The commands that call operations. A new operation gets an entry here; a test checks that each operation has one. */
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
  list: {
    operation: "listRepositories",
    progress: "Reading the repositories",
    perform: (connection, input) =>
      everyPage(({ pageToken }) => connection.call("listRepositories", { ...input, pageToken }), "repositories", input),
    show: ({ repositories }) => repositoryTable(repositories),
    essence: ({ repositories }) => lines(repositories.map(({ name }) => name)),
  } satisfies CommandEntry<"listRepositories">,
  images: {
    operation: "listImages",
    progress: "Reading the images",
    perform: (connection, input) =>
      everyPage(({ pageToken }) => connection.call("listImages", { ...input, pageToken }), "images", input),
    show: ({ images }) => imageTable(images),
    essence: ({ images }) => lines(images.map(({ digest }) => digest)),
  } satisfies CommandEntry<"listImages">,
  "delete-image": {
    operation: "deleteImage",
    progress: "Deleting the image",
    question: ({ input: { repoId, reference } }) =>
      reference.includes(":")
        ? `Delete the image ${reference} of "${repoId}" with all its tags?`
        : `Delete the tag "${reference}" of "${repoId}"?`,
    show: (_output, { input: { repoId, reference } }) => `Deleted ${reference} of ${repoId}.\n`,
  } satisfies CommandEntry<"deleteImage">,
  login: {
    operation: "generateCredentials",
    summary: "Log Docker, podman and skopeo in, with short-lived credentials for one repository",
    progress: "Logging in",
    defaults: { permissions: "pull" },
    perform: login,
    show: ({ host, expiresAt }, { input: { repoId, permissions, alsoPull = [] } }) =>
      `Logged in to ${host} for ${[`${permissions} of ${repoId}`, ...alsoPull.map((each) => `pull of ${each}`)].join(", ")}${expiresAt === undefined ? "" : `, until ${expiresAt}`}.\n`,
    warning: ({ helper, file }) =>
      helper === undefined
        ? `The password is stored in ${file} until it expires. A credential helper ("credsStore") would keep it safe.`
        : undefined,
  } satisfies CommandEntry<"generateCredentials", LoggedIn>,
  credentials: {
    operation: "generateCredentials",
    summary: "Print short-lived credentials, with the password",
    progress: "Minting the credentials",
    defaults: { permissions: "pull" },
    show: credentialsView,
    essence: ({ password }) => password,
  } satisfies CommandEntry<"generateCredentials">,
  "revoke-credentials": {
    operation: "revokeCredentials",
    progress: "Ending the credentials",
    question: ({ registry, input }) => `End ${credentialsNamed(registry, input)}?`,
    show: ({ notBefore, certainBy }, { registry, input }) =>
      `Ended ${credentialsNamed(registry, input)}, as far as minted before ${notBefore}. Certain by ${certainBy}.\n`,
    essence: ({ certainBy }) => certainBy,
  } satisfies CommandEntry<"revokeCredentials">,
  grant: {
    operation: "addCrossAccountAccess",
    summary: "Let more accounts pull",
    progress: "Granting access",
    show: (_output, { input: { repoId, access } }) => `Granted pulls of ${repoId} to ${consumers(access)}.\n`,
  } satisfies CommandEntry<"addCrossAccountAccess">,
  revoke: {
    operation: "removeCrossAccountAccess",
    summary: "Stop other accounts from pulling; in doubt, revoke more",
    progress: "Revoking access",
    show: (_output, { input: { repoId, access } }) => `Revoked pulls of ${repoId} from ${consumers(access)}.\n`,
    warning: stillIn,
  } satisfies CommandEntry<"removeCrossAccountAccess">,
  access: {
    operation: "getCrossAccountAccess",
    progress: "Reading who may pull",
    show: grants,
    essence: (output) => JSON.stringify(output.grants),
    warning: ({ scope }) => (scope === "registry" ? "Grants are for every repository of this registry." : undefined),
  } satisfies CommandEntry<"getCrossAccountAccess">,
  who: {
    operation: "listGranteeAccess",
    summary: "Show what one consumer may pull",
    progress: "Reading what it may pull",
    perform: (connection, input) =>
      everyPage(
        ({ pageToken }) => connection.call("listGranteeAccess", { ...input, pageToken }),
        "repositories",
        input,
      ),
    show: ({ repositories }, { input: { grantee } }) => grantsOf(grantee, repositories),
    essence: ({ repositories }) => lines(repositories.map(({ repoId }) => repoId)),
  } satisfies CommandEntry<"listGranteeAccess">,
  "cut-off": {
    operation: "removeGranteeAccess",
    summary: "End one consumer's access to every repository",
    progress: "Ending its access",
    timeoutMs: provisioningMs,
    question: ({ registry, input: { grantee } }) =>
      `End the access of ${grantee} to every repository of the registry "${registry}"?`,
    perform: cutOff,
    show: ({ changed }, { input: { grantee } }) =>
      `${changed.map((name) => `${name}\n`).join("")}Ended the access of ${grantee}: ${changed.length} ${changed.length === 1 ? "repository" : "repositories"} had let it in.\n`,
    essence: ({ changed }) => lines(changed),
    warning: stillIn,
  } satisfies CommandEntry<"removeGranteeAccess", Ended>,
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
