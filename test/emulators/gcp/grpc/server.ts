import { createRequire } from "node:module";
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
import { asGcpError, GcpError, refusalByFault, STATUSES } from "../errors.ts";
import { checkScopes, identify } from "../identity/tokens.ts";
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
    const { request, metadata } = call;
    const record = world.record("artifactregistry", action, request);
    const identified = identify(record, () =>
      world.tokens.bearer(metadata.get("authorization")[0]?.toString(), SERVICE),
    );
    await world.faults.run<Parameters<typeof done>>(record, {
      refusal: refusalByFault,
      serve: async (fault) => {
        const caller = identified();
        checkScopes(caller, SERVICE, /^(Get|List)/.test(action));
        const answer = await method({ world, operations: this.#operations, request, caller, record, fault });
        return [null, fault?.kind === "answer" ? { ...fault.output } : answer];
      },
      refuse(error) {
        const shown = asGcpError(error);
        return { answer: [statusOf(shown)], code: shown.status };
      },
      send: (answer) => done(...answer),
      cut: () => this.#wire?.cut(call.getPeer()),
    });
  }
}

function statusOf({ status, message, info }: GcpError) {
  const code = STATUSES[status].grpc;
  const metadata = new Metadata();
  if (info !== undefined) metadata.set("grpc-status-details-bin", statusDetails(code, message, info));
  return { code, details: message, metadata };
}
