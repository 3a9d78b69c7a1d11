import type { AwsError } from "./errors.ts";
import { escapeXml, toXml } from "./query.ts";
import type { ServiceProfile } from "./services.ts";

/** An answer, ready to be sent; it can also be withheld. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export function success(profile: ServiceProfile, action: string, requestId: string, output: object): Answer {
  if (profile.protocol !== "query") return jsonAnswer(profile, 200, requestId, output);
  const result = toXml(`${action}Result`, output);
  const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
  const body = `<${action}Response xmlns="${profile.namespace}">${result}${metadata}</${action}Response>`;
  return xmlAnswer(200, requestId, body);
}

export function refusal(profile: ServiceProfile, requestId: string, error: AwsError): Answer {
  const { code, status, message, fields } = error;
  if (profile.protocol === "query") {
    const type = status >= 500 ? "Receiver" : "Sender";
    const inner = `<Type>${type}</Type><Code>${code}</Code><Message>${escapeXml(message)}</Message>`;
    const body = `<ErrorResponse xmlns="${profile.namespace}"><Error>${inner}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
    return xmlAnswer(status, requestId, body);
  }
  const type = profile.namespace === undefined ? code : `${profile.namespace}#${code}`;
  const answer = jsonAnswer(profile, status, requestId, { __type: type, message, ...fields });
  return { ...answer, headers: { ...answer.headers, "x-amzn-errortype": code } };
}

function jsonAnswer(profile: ServiceProfile, status: number, requestId: string, value: object): Answer {
  const body = Buffer.from(JSON.stringify(value, secondsForDates));
  return {
    status,
    headers: { "content-type": `application/x-amz-${profile.protocol}`, "x-amzn-requestid": requestId },
    body,
  };
}

// The JSON protocols write a moment as seconds since 1970. `toJSON` has already run when a replacer is called.
function secondsForDates(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key];
  return original instanceof Date ? original.getTime() / 1000 : value;
}

function xmlAnswer(status: number, requestId: string, body: string): Answer {
  return {
    status,
    headers: { "content-type": "text/xml", "x-amzn-requestid": requestId },
    body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${body}`),
  };
}
