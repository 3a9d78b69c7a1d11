/**
 * The protocol of docker-credential-helpers, as Docker's and Podman's clients speak it: the action is the only
 * argument, its input comes on stdin, and the answer goes to stdout. An error is a text on stdout with exit code 1.
 * Clients compare some of these texts, so their wording is fixed (docker/docker-credential-helpers,
 * credentials/error.go).
 */
import { tryParseJson } from "../json.ts";

/** Means that there are no credentials for this server. The client then goes on without. */
export const notFound = "credentials not found in native keychain";
const noServerUrl = "no credentials server URL";
const noUsername = "no credentials username";
const name = "docker-credential-alien";
const usage = `Usage: ${name} <store|get|erase|list|version>`;

/** The actions of a credential helper. */
export interface Helper {
  /** @throws ProtocolError with `notFound` when there are no credentials for this server */
  get(serverUrl: string): Promise<{ readonly username: string; readonly password: string }>;
  /** @throws ProtocolError when the login would be lost */
  store(serverUrl: string, username: string): Promise<void>;
  erase(serverUrl: string): Promise<void>;
  /** User names by host. */
  list(): Promise<Record<string, string>>;
  version(): Promise<string>;
}

/** An error whose message goes to the client word for word. */
export class ProtocolError extends Error {}

/**
 * Runs one action.
 *
 * @param input reads stdin to its end
 * @returns what goes to stdout
 * @throws ProtocolError, and what the helper throws
 */
export async function runAction(
  helper: Helper,
  args: readonly string[],
  input: () => Promise<string>,
): Promise<string> {
  const [action, ...more] = args;
  if (action === undefined || more.length > 0) throw new ProtocolError(usage);
  switch (action) {
    case "get": {
      const serverUrl = requireServerUrl(await input());
      const { username, password } = await helper.get(serverUrl);
      return line({ ServerURL: serverUrl, Username: username, Secret: password });
    }
    case "store": {
      const { ServerURL, Username } = parseStored(await input());
      const serverUrl = requireServerUrl(ServerURL);
      if (typeof Username !== "string" || Username === "") throw new ProtocolError(noUsername);
      await helper.store(serverUrl, Username);
      return "";
    }
    case "erase":
      await helper.erase(requireServerUrl(await input()));
      return "";
    case "list":
      return line(await helper.list());
    case "-h":
    case "--help":
      return `${usage}\n`;
    case "version":
    case "-v":
    case "--version":
      return `${name} ${await helper.version()}\n`;
    default:
      throw new ProtocolError(`Unknown credential action \`${action}\``);
  }
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function requireServerUrl(serverUrl: unknown): string {
  const trimmed = typeof serverUrl === "string" ? serverUrl.trim() : "";
  if (trimmed === "") throw new ProtocolError(noServerUrl);
  return trimmed;
}

/** No error repeats a part of the text, since there is a password in it. */
function parseStored(text: string): { ServerURL?: unknown; Username?: unknown } {
  const login = tryParseJson(text);
  if (login === undefined) throw new ProtocolError("The login to be stored is not JSON");
  return login ?? {};
}
