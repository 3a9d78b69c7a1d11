import { invalidInput } from "../../../core/errors.ts";
import { isDigest } from "../../../oci/client/index.ts";

/** An image as somebody names it on the command line. */
export interface Reference {
  /** A repository as every other command takes it: a logical name, a routable one, or a URI. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/**
 * Parts a repository from its tag and its digest. No repository's name ends with `:tag` (docs/decisions/0003-names.md), so
 * there is one way to read it.
 *
 * @throws INVALID_INPUT for a tag or a digest that no registry has
 *
 * @example
 * parseReference("my-app:1.0"); // { repository: "my-app", tag: "1.0" }
 */
export function parseReference(text: string): Reference {
  const at = text.indexOf("@");
  const [named, digest] = at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
  // A colon before the last slash is that of a port.
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const [repository, tag] = colon < 0 ? [named] : [named.slice(0, colon), named.slice(colon + 1)];
  if (repository === "") throw invalidInput(`"${text}" names no repository.`);
  if (tag !== undefined && !/^\w[\w.-]{0,127}$/.test(tag)) {
    throw invalidInput(`"${tag}" is no tag.`, undefined, "A tag has up to 128 letters, digits, dots, dashes and _.");
  }
  if (digest !== undefined && !isDigest(digest)) {
    throw invalidInput(`"${digest}" is no digest.`, undefined, "A digest is sha256: and 64 hexadecimal digits.");
  }
  return { repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}
