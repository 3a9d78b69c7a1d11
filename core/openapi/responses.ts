import { type ErrorCode, statusOf } from "../errors.ts";
import { errorExamples } from "./error-examples.ts";

export const requestIdHeader = {
  "x-request-id": { description: "Names this request in the audit log.", schema: { type: "string" } },
};

const statuses = [...new Set([...Object.values(statusOf), 405])].sort((a, b) => a - b);

/** The refusals by status, as each operation refers to them. */
export const errorResponses: Readonly<Record<string, object>> = Object.fromEntries(
  statuses.map((status) => [String(status), { $ref: `#/components/responses/${nameOf(status)}` }]),
);

/** `components.responses` of the document: one for each status, with an example for each code. */
export function namedResponses(): Record<string, object> {
  return Object.fromEntries(statuses.map((status) => [nameOf(status), responseOf(status)]));
}

function responseOf(status: number): object {
  const codes = codesOf(status);
  return {
    description: codes.length > 0 ? `${codes.join(", ")}.` : "Another method is meant.",
    headers: {
      ...requestIdHeader,
      ...((status === 429 || status === 503) && {
        "retry-after": { description: "Seconds to wait.", schema: { type: "integer" } },
      }),
    },
    content: {
      "application/json": { schema: { $ref: "#/components/schemas/Error" }, examples: errorExamples(status, codes) },
    },
  };
}

function codesOf(status: number): ErrorCode[] {
  return (Object.keys(statusOf) as ErrorCode[]).filter((code) => statusOf[code] === status);
}

function nameOf(status: number): string {
  return `Error${status}`;
}
