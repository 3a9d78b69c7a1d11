import * as v from "valibot";
import { ociGrammar } from "../../core/names.ts";

const registryName = v.pipe(
  v.string(),
  v.regex(/^[a-zA-Z0-9]{5,50}$/, "must be the name of a container registry: 5 to 50 letters and digits"),
);

const resourceGroupName = v.pipe(
  v.string(),
  v.regex(/^[\p{L}\p{N}_().-]{0,89}[\p{L}\p{N}_()-]$/u, "must be the name of a resource group"),
);

/** Not a constant's work: `azurecr.cn`, `azurecr.us`, names with a hash in them, and custom domains are login servers too. */
const loginServer = v.pipe(
  v.string(),
  v.toLowerCase(),
  v.regex(
    /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/,
    "must be the registry's login server, a host name as example.azurecr.io",
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
  /** Absent: asked of Azure Resource Manager, once per process, before the first credential can be minted. */
  loginServer: v.optional(loginServer),
  /** Absent or empty: the registry's whole name space belongs to this binding. */
  repositoryPrefix: v.optional(repositoryPrefix),
});

export type AcrBinding = v.InferOutput<typeof acrBinding>;
