import type { IncomingMessage, ServerResponse } from "node:http";
import type { CallRecord } from "../call.ts";
import { asGcpError, type GcpError, refusalByFault, STATUSES } from "../errors.ts";
import type { World } from "../world.ts";

/** An answer, ready to be sent; it can also be withheld. */
export interface Answer {
  readonly status: number;
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Runs one call between the hooks, with its fault if one is due, and answers it. */
export async function answerCall(
  world: World,
  record: CallRecord,
  req: IncomingMessage,
  res: ServerResponse,
  run: () => Promise<Answer> | Answer,
): Promise<void> {
  await world.faults.run<Answer>(record, {
    refusal: refusalByFault,
    async serve(fault) {
      const answer = await run();
      return fault?.kind === "answer" ? { ...answer, body: fault.output } : answer;
    },
    refuse(error) {
      const shown = asGcpError(error);
      return { answer: refusal(shown), code: shown.status };
    },
    send: (answer) => send(res, answer),
    cut: () => req.socket.destroy(),
  });
}

export function send(res: ServerResponse, { status, body, headers = {} }: Answer): void {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const type = typeof body === "string" ? "application/text" : "application/json; charset=UTF-8";
  res.writeHead(status, { "content-type": type, "content-length": bytes.length, ...headers });
  res.end(bytes);
}

function refusal({ status, message, info, retryAfterSeconds: seconds }: GcpError): Answer {
  const code = STATUSES[status].http;
  const details =
    info === undefined ? {} : { details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", ...info }] };
  const headers = seconds === undefined ? {} : { "retry-after": String(seconds) };
  return { status: code, body: { error: { code, message, status, ...details } }, headers };
}
