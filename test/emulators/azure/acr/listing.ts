import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import type { RegistryCall } from "./request.ts";

/** More than that is refused here: what Azure does then is not written down. */
const MOST = 1_000;

/** One page of names in their order, and where the next one is. */
export function listNames(
  call: Pick<RegistryCall, "query" | "req">,
  all: readonly string[],
  body: (names: readonly string[]) => object,
): Answer {
  const count = Number(call.query.get("n") ?? "100");
  if (!Number.isSafeInteger(count) || count < 1 || count > MOST) {
    throw new AzureError(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested");
  }
  const last = call.query.get("last") ?? "";
  const rest = all.toSorted().filter((name) => name > last);
  const names = rest.slice(0, count);
  const path = (call.req.url ?? "").split("?")[0];
  const next = new URLSearchParams({ last: names.at(-1) ?? "", n: String(count), orderby: "" });
  const headers = rest.length > names.length ? { Link: `<${path}?${next}>; rel="next"` } : {};
  return { status: 200, body: body(names), headers };
}
