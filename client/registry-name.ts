import { ArtifactRegistryError } from "../core/errors.ts";

/**
 * @param field what the name is called where it is given
 * @throws INVALID_INPUT unless it is 1 to 64 characters of A-Z, a-z, 0-9, - and _
 */
export function checkRegistryName(name: string, field: "id" | "name"): void {
  if (typeof name === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(name)) return;
  const message = `A registry's ${field} must be 1 to 64 characters of A-Z, a-z, 0-9, - and _.`;
  throw new ArtifactRegistryError("INVALID_INPUT", message, { context: { field } });
}
