import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallRecord } from "../call.ts";
import { GcpError, STATUSES } from "../errors.ts";
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
  await world.faults.before?.(record);
  const fault = world.faults.take(record);
  record.outcome = fault?.kind;
  if (fault?.kind === "reset") return void req.socket.destroy();
  let answer: Answer;
  try {
    if (fault?.kind === "error") throw new GcpError(fault.status, fault.message ?? `Injected ${fault.status}.`);
    if (fault?.kind === "slow") await sleep(fault.ms);
    answer = await run();
    record.outcome ??= "ok";
  } catch (error) {
    const shown = asGcpError(error);
    if (fault?.kind !== "lost") record.outcome = shown.status;
    answer = refusal(shown);
  }
  await world.faults.after?.(record);
  if (fault?.kind === "lost") return void req.socket.destroy();
  send(res, answer);
}

export function send(res: ServerResponse, { status, body, headers = {} }: Answer): void {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const type = typeof body === "string" ? "application/text" : "application/json; charset=UTF-8";
  res.writeHead(status, { "content-type": type, "content-length": bytes.length, ...headers });
  res.end(bytes);
}

/** What nobody expected is a fault of the emulator: it says so, that no test takes it for Google's word. */
function asGcpError(error: unknown): GcpError {
  if (error instanceof GcpError) return error;
  console.error("The Google Cloud emulator failed:", error);
  return new GcpError("INTERNAL", `The emulator failed: ${String(error)}`);
}

function refusal({ status, message, info }: GcpError): Answer {
  const code = STATUSES[status].http;
  const details =
    info === undefined ? {} : { details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", ...info }] };
  return { status: code, body: { error: { code, message, status, ...details } } };
}
