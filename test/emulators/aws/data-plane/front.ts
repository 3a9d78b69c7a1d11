import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { CallRecord, Fault } from "../call.ts";
import type { World } from "../world.ts";
import { answerRegistry, commonRefusal } from "./answer.ts";
import { RegistryRefusal } from "./refusals.ts";
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
  const { method, route, path } = request;
  const record: CallRecord = {
    number: world.calls.length + 1,
    service: "registry",
    action: `${method} ${route?.kind ?? path}`,
    region,
    authorizations: [],
    input: { path },
  };
  world.calls.push(record);
  await answerRegistry(world.faults, record, request, () => serve(request, record), refusalOf);
}

function refusalOf(fault: Fault): RegistryRefusal | undefined {
  if (fault.kind !== "error") return commonRefusal(fault);
  return new RegistryRefusal(fault.status ?? 400, fault.code, fault.message ?? fault.code);
}
