import type { Call } from "../../../core/call.ts";
import type { RoutableName } from "../../../core/names.ts";
import { OciError } from "../../../oci/client/index.ts";
import { type ExternalContext, step } from "./context.ts";

/** The tags of a repository, page after page, or the first of them; none where the registry knows no such repository. */
export function listTags(context: ExternalContext, name: RoutableName, call: Call, atMost?: number): Promise<string[]> {
  return step(context, call, { what: "list tags", as: "account" }, async (client) => {
    const tags: string[] = [];
    try {
      for await (const tag of client.eachTag(name)) {
        tags.push(tag);
        if (tags.length === atMost) break;
      }
    } catch (error) {
      if (!(error instanceof OciError && error.status === 404)) throw error;
    }
    return tags;
  });
}
