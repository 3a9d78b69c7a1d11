import type { DenyPolicy } from "../../emulators/gcp/iam/deny.ts";
import { read } from "./module.ts";

/** The deny policy that docs/security.md shows. */
export function denyPolicy(): DenyPolicy {
  const block = /^```json\n(\{\n {2}"displayName"[\s\S]*?\n\})\n```$/m.exec(read("docs/security.md"))?.[1];
  if (block === undefined) throw new Error("docs/security.md shows no deny policy.");
  return JSON.parse(block);
}
