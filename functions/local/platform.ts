import { resolve } from "node:path";
import * as v from "valibot";
import { once } from "../../core/once.ts";
import { defineService, type Platform } from "../../core/platform.ts";
import { loadTokenKey, type TokenKey } from "../../oci/token/index.ts";
import { createLocalRegistry, type LocalRegistryLocation, localPrefix } from "./adapter.ts";

const registryUrl = v.pipe(
  v.string(),
  v.check((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), "must be an http or https URL"),
  v.description("URL of the registry, as its clients reach it."),
);
const dataDir = v.pipe(
  v.string(),
  v.minLength(1, "must not be empty"),
  v.description("Folder of the registry's data, where its signing key lies."),
);

/** `local {registryUrl, dataDir}`. A field that is left out has the value of the registry inside the server. */
const localBinding = v.strictObject({
  service: v.literal("local"),
  registryUrl: v.optional(registryUrl),
  dataDir: v.optional(dataDir),
});

/** The path of the file that holds a registry's signing key. */
export function keyFile(dataDir: string): string {
  return resolve(dataDir, "token.key");
}

/**
 * The local platform.
 *
 * @param embedded the registry for bindings that name none. Where that registry runs in this process, `loadKey` answers
 *   the key that it runs with
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
