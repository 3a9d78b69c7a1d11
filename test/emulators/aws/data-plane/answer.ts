import type { CommonFault, Fault, Faults, Recorded } from "../../faults.ts";
import { RegistryRefusal, sendRefusal } from "./refusals.ts";
import type { RegistryRequest } from "./request.ts";

/**
 * One request of a data plane, whose answer is streamed while it is served: between the hooks, and hit by a fault if one
 * is due.
 *
 * @param refusal how this registry tells of a fault
 */
export function answerRegistry<Own extends { readonly kind: string }, Call extends Recorded>(
  faults: Faults<Own, Call>,
  record: Call,
  { req, res }: RegistryRequest,
  serve: () => Promise<void>,
  refusal: (fault: Fault<Own>) => RegistryRefusal | undefined,
): Promise<void> {
  return faults.run<RegistryRefusal | undefined>(record, {
    refusal,
    async serve(fault) {
      if (fault?.kind === "lost") loseAnswer(res);
      await serve();
      return undefined;
    },
    refuse(error) {
      const answer =
        error instanceof RegistryRefusal
          ? error
          : new RegistryRefusal(500, "UNKNOWN", String(error instanceof Error ? error.stack : error));
      return { answer, code: answer.code };
    },
    send: (answer) => answer && sendRefusal(res, answer),
    cut: () => req.socket.destroy(),
  });
}

/** How every registry tells of the faults that every cloud has. */
export function commonRefusal(fault: CommonFault): RegistryRefusal | undefined {
  if (fault.kind === "failure") return new RegistryRefusal(fault.status ?? 500, "UNKNOWN", "The registry failed.");
  if (fault.kind !== "throttle") return undefined;
  const { retryAfterSeconds } = fault;
  const headers = retryAfterSeconds === undefined ? {} : { "Retry-After": String(retryAfterSeconds) };
  return new RegistryRefusal(429, "TOOMANYREQUESTS", "Rate exceeded", headers);
}

/** Whatever is answered, the connection breaks in its place. */
function loseAnswer(res: RegistryRequest["res"]): void {
  res.writeHead = () => {
    res.destroy();
    return res;
  };
}
