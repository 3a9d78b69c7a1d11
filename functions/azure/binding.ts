import * as v from "valibot";
import { ociGrammar } from "../../core/names.ts";

/** Whether a text is a GUID: the form of the ids of subscriptions, tenants, identities and roles. */
export function isGuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

const registryName = v.pipe(
  v.string(),
  v.regex(/^[a-zA-Z0-9]{5,50}$/, "must be the name of a container registry: 5 to 50 letters and digits"),
);

const resourceGroupName = v.pipe(
  v.string(),
  v.regex(/^[\p{L}\p{N}_().-]{0,89}[\p{L}\p{N}_()-]$/u, "must be the name of a resource group"),
);

/** It cannot be derived from the name: sovereign clouds (`azurecr.cn`), names with a hash in them, and custom domains differ. */
const loginServer = v.pipe(
  v.string(),
  v.toLowerCase(),
  v.regex(
    /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/,
    "must be the registry's login server, a host name such as example.azurecr.io",
  ),
);

const repositoryPrefix = v.pipe(
  v.string(),
  v.maxLength(200),
  v.check((text) => text === "" || ociGrammar.pattern.test(text), "must be a legal repository name"),
);

export const acrBinding = v.strictObject({
  service: v.literal("acr"),
  registryName,
  resourceGroupName,
  /** If it is absent, each process asks Azure Resource Manager for it once, before it mints the first credential. */
  loginServer: v.optional(loginServer),
  /** If it is absent or empty, every name in the registry belongs to this binding. */
  repositoryPrefix: v.optional(repositoryPrefix),
});

export type AcrBinding = v.InferOutput<typeof acrBinding>;
