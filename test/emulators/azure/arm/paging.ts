import type { Answer } from "../http/answer.ts";
import type { ArmRequest, Json } from "./route.ts";

/**
 * One page of a list, and where the next one is.
 * @see https://learn.microsoft.com/rest/api/azure/#async-operations-throttling-and-paging
 */
export function paged(answer: Answer, { world, url, query }: Pick<ArmRequest, "world" | "url" | "query">): Answer {
  const { body } = answer;
  if (typeof body !== "object" || !("value" in body) || !Array.isArray(body.value)) return answer;
  const { pageSize } = world.behaviour;
  const from = Number(query.get("$skiptoken") ?? 0);
  const value = body.value.slice(from, from + pageSize);
  if (from + pageSize >= body.value.length) return { ...answer, body: { ...(body as Json), value } };
  const next = new URLSearchParams(query);
  next.set("$skiptoken", String(from + pageSize));
  return { ...answer, body: { ...(body as Json), value, nextLink: `${url}?${next}` } };
}
