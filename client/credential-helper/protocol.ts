/**
 * The protocol of docker-credential-helpers, as Docker's and Podman's clients speak it: an action as the only argument,
 * its input on stdin, the answer on stdout. An error is a text on stdout too, with exit code 1; clients compare some of
 * these texts (docker/docker-credential-helpers, credentials/error.go), so that they are not ours to word.
 */

/** No credentials for this server: the client goes on without. */
export const notFound = "credentials not found in native keychain";
const noServerUrl = "no credentials server URL";
const noUsername = "no credentials username";
const name = "docker-credential-alien";
const usage = `Usage: ${name} <store|get|erase|list|version>`;

export interface Helper {
  /** @throws ProtocolError with `notFound` */
  get(serverUrl: string): Promise<{ readonly username: string; readonly password: string }>;
  /** @throws ProtocolError where it would be lost */
  store(serverUrl: string, username: string): Promise<void>;
  erase(serverUrl: string): Promise<void>;
  /** User names by host. */
  list(): Promise<Record<string, string>>;
  version(): Promise<string>;
}

/** What the client is told, word by word. */
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
      const serverUrl = given(await input());
      const { username, password } = await helper.get(serverUrl);
      return line({ ServerURL: serverUrl, Username: username, Secret: password });
    }
    case "store": {
      const { ServerURL, Username } = parseStored(await input());
      const serverUrl = given(ServerURL);
      if (typeof Username !== "string" || Username === "") throw new ProtocolError(noUsername);
      await helper.store(serverUrl, Username);
      return "";
    }
    case "erase":
      await helper.erase(given(await input()));
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

function given(serverUrl: unknown): string {
  const trimmed = typeof serverUrl === "string" ? serverUrl.trim() : "";
  if (trimmed === "") throw new ProtocolError(noServerUrl);
  return trimmed;
}

/** Its text is never repeated: there is a password in it. */
function parseStored(text: string): { ServerURL?: unknown; Username?: unknown } {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    throw new ProtocolError("What is to be stored is not JSON");
  }
}
