import { resolve } from "node:path";
import { once } from "../../core/once.ts";
import { defineService, type Platform } from "../../core/platform.ts";
import { loadTokenKey, type TokenKey } from "../../oci/token/index.ts";
import { createLocalRegistry, localPrefix } from "./adapter.ts";
import { type LocalRegistryLocation, localBinding } from "./binding.ts";

/** The file of a registry's signing key, inside its data folder. */
export function keyFile(dataDir: string): string {
  return resolve(dataDir, "token.key");
}

/**
 * The local platform.
 *
 * @param embedded the registry for bindings that name none; `loadKey` answers the key that it runs with, where it is
 *   inside this process
 */
export function localPlatform(embedded: LocalRegistryLocation & { loadKey?: () => Promise<TokenKey> }): Platform {
  return {
    name: "local",
    services: {
      local: defineService({
        binding: localBinding,
        prefix: (name) => ({ prefix: localPrefix(name), separator: "/" }),
        open({ name, binding, others }) {
          const { registryUrl = embedded.registryUrl, dataDir = embedded.dataDir } = binding;
          const fromFile = once(() => loadTokenKey(keyFile(dataDir)));
          const loadKey = binding.dataDir === undefined ? (embedded.loadKey ?? fromFile) : fromFile;
          return createLocalRegistry({ name, others }, { registryUrl, dataDir }, loadKey);
        },
      }),
    },
  };
}
