import * as v from "valibot";
import { defineService, type Platform } from "../../core/platform.ts";
import { createLocalRegistry, type LocalRegistryLocation, localPrefix } from "./adapter.ts";
import { type LocalCredentials, openCredentials } from "./credentials.ts";

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

/**
 * The local platform.
 *
 * @param embedded the registry for bindings that name none. Where that registry runs in this process, `credentials` are what
 *   it runs with
 */
export function localPlatform(embedded: LocalRegistryLocation & { credentials?: LocalCredentials }): Platform {
  return {
    name: "local",
    services: {
      local: defineService({
        binding: localBinding,
        prefix: (name) => ({ prefix: localPrefix(name), separator: "/" }),
        open({ name, binding, others }) {
          const { registryUrl = embedded.registryUrl, dataDir = embedded.dataDir } = binding;
          const shared = binding.dataDir === undefined ? embedded.credentials : undefined;
          return createLocalRegistry({ name, others }, { registryUrl, dataDir }, shared ?? openCredentials(dataDir));
        },
      }),
    },
  };
}
