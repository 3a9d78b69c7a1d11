import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Backing } from "../../aws/data-plane/backing.ts";
import { RegistryRefusal, sendRefusal } from "../../aws/data-plane/refusals.ts";
import { readRequest } from "../../aws/data-plane/request.ts";
import type { Fault } from "../call.ts";
import { STATUSES } from "../errors.ts";
import type { World } from "../world.ts";
import { serve } from "./serve.ts";

/** A location's registry. */
export interface Front {
  readonly world: World;
  readonly location: string;
  readonly host: string;
  readonly backing: () => Promise<Backing>;
}

/** Answers one request of the data plane: it is logged, and may be hit by a fault. */
export async function handleRegistry(front: Front, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { world } = front;
  const request = readRequest(req, res);
  const { method, route, path } = request;
  const record = world.record("registry", `${method} ${route?.kind ?? path}`, { path });
  try {
    await world.faults.before?.(record);
    const fault = world.faults.take(record);
    record.outcome = fault?.kind;
    if (fault?.kind === "reset") return void req.socket.destroy();
    if (fault?.kind === "slow") await sleep(fault.ms);
    if (fault?.kind === "lost") loseAnswer(res);
    refuseByFault(fault);
    await serve(front, request, record);
    record.outcome ??= "ok";
    await world.faults.after?.(record);
  } catch (error) {
    const refusal =
      error instanceof RegistryRefusal
        ? error
        : new RegistryRefusal(500, "UNKNOWN", String(error instanceof Error ? error.stack : error));
    record.outcome = refusal.code;
    sendRefusal(res, refusal);
  }
}

function refuseByFault(fault: Fault | undefined): void {
  if (fault?.kind !== "error") return;
  const { http } = STATUSES[fault.status];
  const code = http === 429 ? "TOOMANYREQUESTS" : http === 403 ? "DENIED" : "UNKNOWN";
  throw new RegistryRefusal(http, code, fault.message ?? `Injected ${fault.status}.`);
}

/** Whatever is answered, the connection breaks in its place. */
function loseAnswer(res: ServerResponse): void {
  res.writeHead = () => {
    res.destroy();
    return res;
  };
}
