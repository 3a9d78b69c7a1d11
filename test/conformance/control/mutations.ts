import { AUTHENTICATION } from "./authentication.ts";
import { BLOBS } from "./blobs.ts";
import { LISTINGS } from "./listings.ts";
import { MANIFESTS } from "./manifests.ts";
import type { Mutation } from "./proxy.ts";
import { PUSHES } from "./pushes.ts";

/** One thing broken at a time: the judge has to notice each. */
export const MUTATIONS: readonly Mutation[] = [...BLOBS, ...PUSHES, ...MANIFESTS, ...LISTINGS, ...AUTHENTICATION];
