import { readFile } from "node:fs/promises";
import { ArtifactRegistryError } from "../../core/errors.ts";
import type { AuthOptions, Environment } from "../binding.ts";

/**
 * Reads a token that somebody else keeps fresh. A file is read for each request, since mounted tokens rotate.
 *
 * @throws AUTHENTICATION_ERROR, from each call, when there is no token
 *
 * @example
 * const token = await mountedToken({ type: "token", file: "/run/token" }, process.env)();
 */
export function mountedToken(options: Extract<AuthOptions, { type: "token" }>, env: Environment) {
  return async (): Promise<string> => {
    const [token, where] =
      "file" in options
        ? [await readFile(options.file, "utf8").catch(() => ""), `The file ${options.file}`]
        : [env[options.variable] ?? "", `The variable ${options.variable}`];
    if (token.trim() !== "") return token.trim();
    throw new ArtifactRegistryError("AUTHENTICATION_ERROR", `${where} holds no token.`, {
      hint: "It must hold the bearer token that the function's door expects.",
    });
  };
}
