import type { IncomingMessage, ServerResponse } from "node:http";
import type { CallRecord, Fault } from "../call.ts";
import { AzureError } from "../errors.ts";
import type { World } from "../world.ts";

/** An answer, ready to be sent; it can also be withheld. */
export interface Answer {
  readonly status: number;
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a service writes a refusal. */
export type Form = (error: AzureError) => Answer;

/**
 * Runs one call between the hooks, with its fault if one is due, and answers it. Where `run` gives nothing back, it has
 * answered by itself.
 */
export function answerCall(
  world: World,
  record: CallRecord,
  { req, res, form }: { readonly req: IncomingMessage; readonly res: ServerResponse; readonly form: Form },
  run: (fault: Fault | undefined) => Promise<Answer | undefined>,
): Promise<void> {
  return world.faults.run<Answer | undefined>(record, {
    refusal,
    async serve(fault) {
      if (fault?.kind === "lost") loseAnswer(res);
      const answer = await run(fault);
      return answer !== undefined && fault?.kind === "answer" ? { ...answer, body: fault.output } : answer;
    },
    refuse(error) {
      const shown = asAzureError(error);
      return { answer: form(shown), code: shown.code };
    },
    send: (answer) => answer && send(res, answer),
    cut: () => void req.socket.destroy(),
  });
}

function refusal(fault: Fault): AzureError | undefined {
  switch (fault.kind) {
    case "error": {
      const { status, code, message = `Injected ${code}.`, retryAfterSeconds } = fault;
      return new AzureError(status, code, message, { headers: retryAfter(retryAfterSeconds) });
    }
    case "throttle":
      return new AzureError(429, "TOOMANYREQUESTS", "Too many requests.", {
        headers: retryAfter(fault.retryAfterSeconds),
      });
    case "failure":
      return new AzureError(fault.status ?? 500, "InternalServerError", "The service failed.");
    default:
      return undefined;
  }
}

function retryAfter(seconds: number | undefined): Readonly<Record<string, string>> {
  return seconds === undefined ? {} : { "Retry-After": String(seconds) };
}

/** Whatever is answered, the connection breaks in its place. */
function loseAnswer(res: ServerResponse): void {
  res.writeHead = () => {
    res.destroy();
    return res;
  };
}

function send(res: ServerResponse, { status, body, headers = {} }: Answer): void {
  if (res.headersSent || res.destroyed) return void res.destroy();
  const bytes = Buffer.from(body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body));
  const type = body === undefined ? {} : { "Content-Type": "application/json; charset=utf-8" };
  res.writeHead(status, { ...type, "Content-Length": bytes.length, ...headers });
  res.end(bytes);
  // A client that is still sending hears the answer only when what it sends is taken.
  res.req.resume();
}

/** What nobody expected is a fault of the emulator: it says so, that no test takes it for Azure's word. */
function asAzureError(error: unknown): AzureError {
  if (error instanceof AzureError) return error;
  console.error("The Azure emulator failed:", error);
  return new AzureError(500, "EmulatorFailed", `The emulator failed: ${String(error)}`);
}
