import { createHash } from "node:crypto";
import { fitName } from "../../../core/names.ts";

/** Where a registry that no variable binds is. */
export interface DerivedPlace {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly stackPrefix: string;
  /** The registry's own name, as `images`. */
  readonly name: string;
}

/** Characters that the name of a container registry may have (Microsoft.ContainerRegistry/registries). */
const maxLength = 50;
/** So many characters of base 36 hold the 96 bits that are taken of the hash. */
const hashLength = 19;

/**
 * The name of a derived registry's container registry. There may be letters and digits alone, so that no two parts of it
 * could be told apart: it always carries a hash. Names are one space for all of Azure, so that the hash is also of where
 * the registry is: nobody else's `shop` and `images` make the same one.
 */
export function derivedRegistryName({ subscription, resourceGroup, stackPrefix, name }: DerivedPlace): string {
  const place = [subscription.toLowerCase(), resourceGroup.toLowerCase(), stackPrefix, name];
  const bits = createHash("sha256").update(JSON.stringify(place)).digest().subarray(0, 12);
  const hash = BigInt(`0x${bits.toString("hex")}`)
    .toString(36)
    .padStart(hashLength, "0");
  const words = `${stackPrefix}${name}`.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  return `${words.slice(0, maxLength - hashLength)}${hash}`;
}

/** The prefix of a derived registry's repositories: the stack's and its own name, as on every platform. */
export function derivedPrefix(stackPrefix: string, name: string): string {
  const grammar = { pattern: /^[a-z0-9]+(?:-[a-z0-9]+)*$/, maxLength: 64, nested: false };
  return `${stackPrefix}-${fitName(name, grammar)}`;
}
