import * as v from "valibot";

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

/** `local {registryUrl, dataDir}`; what is left out is that of the registry inside the server. */
export const localBinding = v.strictObject({
  service: v.literal("local"),
  registryUrl: v.optional(registryUrl),
  dataDir: v.optional(dataDir),
});

/** Where a local registry is and where its signing key lies. */
export interface LocalRegistryLocation {
  readonly registryUrl: string;
  readonly dataDir: string;
}
