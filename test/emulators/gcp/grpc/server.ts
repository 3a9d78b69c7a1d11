import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import type { Message, Method } from "../artifact-registry/method.ts";
import { ARTIFACT_REGISTRY, OPERATIONS } from "../artifact-registry/methods.ts";
import { Operations } from "../artifact-registry/operations.ts";
import type { CallRecord } from "../call.ts";
import { GcpError, STATUSES } from "../errors.ts";
import { checkScopes } from "../identity/tokens.ts";
import type { World } from "../world.ts";
import { statusDetails } from "./status-details.ts";
import { Wire } from "./wire.ts";

const SERVICE = "artifactregistry.googleapis.com";
/** The descriptors that the official client itself uses. */
const protos = createRequire(import.meta.url)("@google-cloud/artifact-registry/build/protos/protos.json") as object;

/** Artifact Registry over gRPC, without TLS. */
export class GrpcServer {
  readonly #server = new Server();
  readonly #operations: Operations;
  readonly #world: World;
  #wire: Wire | undefined;

  private constructor(world: World) {
    this.#world = world;
    this.#operations = new Operations(world);
  }

  static async open(world: World): Promise<GrpcServer> {
    const grpc = new GrpcServer(world);
    const definitions = fromJSON(protos as Parameters<typeof fromJSON>[0], {
      enums: String,
      longs: String,
      defaults: true,
    });
    grpc.#add(
      definitions["google.devtools.artifactregistry.v1.ArtifactRegistry"] as ServiceDefinition,
      ARTIFACT_REGISTRY,
    );
    grpc.#add(definitions["google.longrunning.Operations"] as ServiceDefinition, OPERATIONS);
    const port = await new Promise<number>((resolve, reject) => {
      grpc.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    grpc.#wire = await Wire.open(port);
    return grpc;
  }

  get port(): number {
    return this.#wire?.port ?? 0;
  }

  async close(): Promise<void> {
    this.#operations.stop();
    await this.#wire?.close();
    this.#server.forceShutdown();
  }

  /** Every method of the service is there; what is not emulated is answered UNIMPLEMENTED, and logged. */
  #add(definition: ServiceDefinition, methods: Readonly<Record<string, Method>>): void {
    const unknown = (name: string) => () => {
      throw new GcpError("UNIMPLEMENTED", `The emulator does not know ${name}.`);
    };
    const implementation: UntypedServiceImplementation = {};
    for (const name of Object.keys(definition)) {
      const method = methods[name] ?? unknown(name);
      implementation[name] = (call: ServerUnaryCall<Message, Message>, done: sendUnaryData<Message>) => {
        void this.#answer(name, method, call, done);
      };
    }
    this.#server.addService(definition, implementation);
  }

  async #answer(
    action: string,
    method: Method,
    call: ServerUnaryCall<Message, Message>,
    done: sendUnaryData<Message>,
  ): Promise<void> {
    const world = this.#world;
    const record = world.record("artifactregistry", action, call.request);
    let sent: () => void;
    try {
      await world.faults.before?.(record);
      const answer = await this.#run(record, method, call);
      sent = () => (answer === undefined ? this.#wire?.cut(call.getPeer()) : done(null, answer));
    } catch (error) {
      sent = () => done(refusal(record, error));
    }
    await world.faults.after?.(record);
    sent();
  }

  /** The answer; nothing where a fault keeps it back. */
  async #run(
    record: CallRecord,
    method: Method,
    { request, metadata }: ServerUnaryCall<Message, Message>,
  ): Promise<Message | undefined> {
    const world = this.#world;
    const fault = world.faults.take(record);
    record.outcome = fault?.kind;
    if (fault?.kind === "reset") return undefined;
    if (fault?.kind === "error") throw new GcpError(fault.status, fault.message ?? `Injected ${fault.status}.`);
    const caller = world.tokens.bearer(metadata.get("authorization")[0]?.toString(), SERVICE);
    record.principal = caller.email;
    checkScopes(caller, SERVICE, /^(Get|List)/.test(record.action));
    if (fault?.kind === "slow") await sleep(fault.ms);
    try {
      const answer = await method({ world, operations: this.#operations, request, caller, record, fault });
      record.outcome ??= "ok";
      return fault?.kind === "lost" ? undefined : answer;
    } catch (error) {
      if (fault?.kind === "lost") return undefined;
      throw error;
    }
  }
}

/** What nobody expected is a fault of the emulator: it says so, that no test takes it for Google's word. */
function refusal(record: CallRecord, error: unknown) {
  const shown = error instanceof GcpError ? error : new GcpError("INTERNAL", `The emulator failed: ${String(error)}`);
  if (shown !== error) console.error("The Google Cloud emulator failed:", error);
  record.outcome = shown.status;
  const code = STATUSES[shown.status].grpc;
  const metadata = new Metadata();
  if (shown.info !== undefined) metadata.set("grpc-status-details-bin", statusDetails(code, shown.message, shown.info));
  return { code, details: shown.message, metadata };
}
