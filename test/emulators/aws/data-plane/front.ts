import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallRecord } from "../call.ts";
import type { Fault } from "../faults.ts";
import type { World } from "../world.ts";
import { RegistryRefusal, sendRefusal } from "./refusals.ts";
import { type RegistryRequest, readRequest } from "./request.ts";

/** Answers one request of the data plane, or throws a RegistryRefusal. */
export type Serve = (request: RegistryRequest, record: CallRecord) => Promise<void>;

export interface Front {
  readonly url: string;
  close(): Promise<void>;
}

/** A port where clients find a registry: every request is logged, and may be hit by a fault. */
export async function openFront(world: World, region: string, serve: Serve): Promise<Front> {
  const server: Server = createServer({ requestTimeout: 0, keepAliveTimeout: 65_000 }, (req, res) => {
    res.on("error", () => undefined);
    void answer(world, region, serve, readRequest(req, res));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(world: World, region: string, serve: Serve, request: RegistryRequest): Promise<void> {
  const { req, res, method, route, path } = request;
  const record: CallRecord = {
    number: world.calls.length + 1,
    service: "registry",
    action: `${method} ${route?.kind ?? path}`,
    region,
    authorizations: [],
    input: { path },
  };
  world.calls.push(record);
  try {
    await world.faults.before?.(record);
    const fault = world.faults.take(record);
    if (fault !== undefined) record.outcome = fault.kind;
    if (fault?.kind === "reset") return void req.socket.destroy();
    if (fault?.kind === "slow") await sleep(fault.ms);
    if (fault?.kind === "lost") loseAnswer(res);
    refuseByFault(fault);
    await serve(request, record);
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
  if (fault?.kind === "throttle") {
    const headers = fault.retryAfterSeconds === undefined ? {} : { "Retry-After": String(fault.retryAfterSeconds) };
    throw new RegistryRefusal(429, "TOOMANYREQUESTS", "Rate exceeded", headers);
  }
  if (fault?.kind === "failure") throw new RegistryRefusal(fault.status ?? 500, "UNKNOWN", "The registry failed.");
  if (fault?.kind === "error") throw new RegistryRefusal(fault.status ?? 400, fault.code, fault.message ?? fault.code);
}

/** Whatever is answered, the connection breaks in its place. */
function loseAnswer(res: ServerResponse): void {
  const vanish = () => {
    res.destroy();
    return res;
  };
  res.writeHead = vanish;
}
