import type { IncomingMessage, ServerResponse } from "node:http";
import { answerRegistry, commonRefusal } from "../../aws/data-plane/answer.ts";
import type { Backing } from "../../aws/data-plane/backing.ts";
import { RegistryRefusal } from "../../aws/data-plane/refusals.ts";
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
  await answerRegistry(world.faults, record, request, () => serve(front, request, record), refusalOf);
}

function refusalOf(fault: Fault): RegistryRefusal | undefined {
  switch (fault.kind) {
    case "error": {
      const { http } = STATUSES[fault.status];
      const code = http === 429 ? "TOOMANYREQUESTS" : http === 403 ? "DENIED" : "UNKNOWN";
      return new RegistryRefusal(http, code, fault.message ?? `Injected ${fault.status}.`);
    }
    case "operation":
    case "held":
    case "unending":
      return undefined;
    default:
      return commonRefusal(fault);
  }
}
