import type { Group } from "../judge/case.ts";
import type { Target } from "../judge/registry.ts";
import { base } from "./base.ts";
import { blobContent } from "./blob-content.ts";
import { blobPush } from "./blob-push.ts";
import { blobRange } from "./blob-range.ts";
import { challenges } from "./challenges.ts";
import { deletion } from "./deletion.ts";
import { manifestPush } from "./manifest-push.ts";
import { manifestRefused } from "./manifest-refused.ts";
import { manifestRules } from "./manifest-rules.ts";
import { manifestUnknown } from "./manifest-unknown.ts";
import { mountCases } from "./mount.ts";
import { LEGAL_NAMES, names } from "./names.ts";
import { referrers } from "./referrers.ts";
import { tagNames } from "./tag-names.ts";
import { tags } from "./tags.ts";
import { tokens } from "./tokens.ts";
import { uploadOrder } from "./upload-order.ts";
import { uploads } from "./uploads.ts";

const PROTOCOL: readonly Group[] = [
  ...base,
  ...blobPush,
  ...blobRange,
  ...blobContent,
  ...uploads,
  ...uploadOrder,
  ...mountCases,
  ...manifestPush,
  ...manifestRefused,
  ...manifestRules,
  ...manifestUnknown,
  ...tags,
  ...tagNames,
  ...referrers,
  ...deletion,
  ...names,
];

const TOKENS: readonly Group[] = [...challenges, ...tokens];

/** Every case that a registry of this kind is judged by. */
export function casesFor({ auth }: Pick<Target, "auth">): readonly Group[] {
  return auth === "token" ? [...PROTOCOL, ...TOKENS] : PROTOCOL;
}

const REPOSITORIES = ["one", "two", "manifests", "refused", "tags", "untagged", "referrers", "deleted", "nowhere"];

/** The repositories that the cases use, below a namespace: what a credential for the judge has to allow. */
export function repositoriesOf(namespace: string): string[] {
  return [...REPOSITORIES, ...LEGAL_NAMES].map((slug) => (slug === "" ? namespace : `${namespace}/${slug}`));
}
