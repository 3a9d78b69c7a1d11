import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { type Application, createApplication } from "../../../../core/application.ts";
import { doorCaller } from "../../../../core/caller.ts";
import type { Door } from "../../../../core/doors.ts";
import type { ErrorCode } from "../../../../core/errors.ts";
import { handleEvent, setupEventType } from "../../../../core/events.ts";
import { fixedRules } from "../../../../core/rules-source.ts";
import { readDirectory } from "../../../../core/suite.ts";
import { handleReplication } from "../../../../functions/aws/doors/replication.ts";
import { platform } from "../../../../functions/aws/index.ts";
import { readLease } from "../../../../functions/aws/lease/item.ts";
import { sdkSettings } from "../../../../functions/aws/sdk-settings.ts";
import { addRepository, type Repository } from "../../../emulators/aws/ecr/state.ts";
import { type EmulatorEvent, eventOf } from "../../../emulators/aws/events.ts";
import { bindPrincipals, readPrincipals } from "../../../emulators/aws/identity/bound-principals.ts";
import type { Statement } from "../../../emulators/aws/identity/documents.ts";
import {
  emulateInProcess,
  type InProcessEmulator,
  type Transport,
  withEmulator,
} from "../../../emulators/aws/in-process.ts";
import { allowAll } from "../../../support/inputs.ts";
import { holdTime, type VirtualTime } from "../../../support/virtual-time.ts";

const account = "111122223333";
export const home = "us-east-1";
export const replicaRegions = ["eu-west-1", "ap-southeast-2", "af-south-1"] as const;
export const everyRegion: readonly string[] = [home, ...replicaRegions];
const prefix = "stack-images";
export const logical = "app";
export const repository = `${prefix}-${logical}`;
const leaseTable = "leases";

/** What an operation, or a delivery of an event, came to. */
export type Ended =
  | { readonly ok: true; readonly output: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly retryable: boolean }
  /** The process died in the midst of it. */
  | "died";

/** A process that runs the functions. It dies when a call of its has had its effect, and nobody hears the answer. */
export interface FunctionProcess {
  /** @param dieAfter the number of the last call of this operation that reaches the cloud */
  ask(operation: string, input: object, dieAfter?: number): Promise<Ended>;
  /** Delivers a set-up event that was sent at this moment. */
  setUp(access: readonly object[], sent: Date, dieAfter?: number): Promise<Ended>;
  replicated(event: EmulatorEvent, dieAfter?: number): Promise<Ended>;
}

/** One account of AWS, without sockets, and with a time of its own. */
export class Cloud {
  readonly time: VirtualTime;
  readonly emulator: InProcessEmulator;
  /** Regions to which an image is on its way. */
  pending: string[] = [];
  #dynamo: DynamoDBClient | undefined;

  private constructor(time: VirtualTime, emulator: InProcessEmulator) {
    this.time = time;
    this.emulator = emulator;
  }

  /** @param accounts those of consumers */
  static async open(accounts: readonly string[]): Promise<Cloud> {
    const time = holdTime(new Date("2026-01-01T00:00:00Z"));
    const behaviour = { trusting: true };
    const emulator = emulateInProcess({ accounts: [account, ...accounts], behaviour, clock: () => time.now() });
    const functionRole = emulator.role(account, "function");
    Object.assign(process.env, emulator.environment(emulator.credentialsFor(functionRole), home), {
      AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
    });
    const cloud = new Cloud(time, emulator);
    await cloud.#makeTable();
    return cloud;
  }

  close(): void {
    this.time.release();
  }

  /** @param regions those of the binding; a derived binding has none */
  start(regions: readonly string[] | "derived"): FunctionProcess {
    const { time } = this;
    const binding = { service: "ecr", repositoryPrefix: prefix, leaseTable, replicationRegions: regions };
    const env = {
      AWS_REGION: home,
      AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
      ALIEN_FUNCTION_ROLE_ARNS: `arn:aws:iam::${account}:role/function`,
      ...(regions === "derived"
        ? { ALIEN_STACK_PREFIX: "stack", ALIEN_LEASE_TABLE: leaseTable }
        : { ALIEN_IMAGES_BINDING: JSON.stringify(binding) }),
    };
    const directory = readDirectory(platform, env, [], ["images"]);
    const application = (door: Door) =>
      createApplication({
        directory,
        door,
        rules: fixedRules([allowAll("door")]),
        now: () => time.now(),
        audit: () => undefined,
        errorLog: () => undefined,
        operationTimeoutMs: 25_000,
      });
    const common = { admits: () => true, authenticate: async () => doorCaller("alice") };
    const asked = application({ name: "local", accepts: "http", ...common });
    const events = application({ name: "events", accepts: "events", ...common });
    return {
      ask: (operation, input, dieAfter) =>
        until(dieAfter, this, async () => ended(await asked.run(request(operation, { registry: "images", ...input })))),
      setUp: (access, sent, dieAfter) =>
        until(dieAfter, this, async () => {
          const data = { registry: "images", name: logical, access };
          const event = { specversion: "1.0", id: "1", source: "test", type: setupEventType, time: sent.toISOString() };
          return settled(await handleEvent(events, { ...event, data }));
        }),
      replicated: (event, dieAfter) =>
        until(dieAfter, this, async () => {
          const suite = { application: events, directory, eventLog: () => undefined, region: home };
          return settled(await handleReplication(suite, account, { ...event }, {}));
        }),
    };
  }

  at(region: string): Repository | undefined {
    return this.#registry(region).repositories.get(repository);
  }

  /** The statements of the repository's policy in a region, as ECR shows them. */
  statements(region: string): readonly Statement[] {
    const { policy } = this.at(region) ?? {};
    return policy === undefined ? [] : readPrincipals(this.emulator.world.directory, policy).Statement;
  }

  /** What somebody does in the console. */
  create(region: string): void {
    addRepository(this.#registry(region), repository, this.time.now());
  }

  delete(region: string): void {
    this.#registry(region).repositories.delete(repository);
  }

  /** @returns whether ECR takes it */
  append(region: string, statement: Statement): boolean {
    const found = this.at(region);
    if (found === undefined) return false;
    const document = { Version: "2012-10-17", Statement: [...this.statements(region), statement] };
    try {
      found.policy = bindPrincipals(this.emulator.world.directory, document, region);
      return true;
    } catch {
      return false;
    }
  }

  /** An image is pushed, and is on its way to where the rules of this moment say. */
  push(): void {
    if (this.at(home) === undefined) return;
    const rules = this.#registry(home).rules.filter(({ repositoryFilters: filters }) =>
      filters.some(({ filter }) => repository.startsWith(filter)),
    );
    this.pending.push(...rules.flatMap(({ destinations }) => destinations.map(({ region }) => region)));
  }

  /** The image that has been on its way for longest arrives. Returns the event that tells of it. */
  arrive(): EmulatorEvent | undefined {
    const region = this.pending.shift();
    if (region === undefined || this.at(home) === undefined) return undefined;
    if (this.at(region) === undefined) this.create(region);
    const detail = { "repository-name": repository, "source-account": account, "source-region": home };
    const at = { account, region, time: this.time.now() };
    return eventOf("ECR Replication Action", at, { result: "SUCCESS", "action-type": "REPLICATE", ...detail });
  }

  /** Lets the time pass that the leases of processes that died last. */
  async age(): Promise<void> {
    await this.#direct(async (dynamo) => {
      const { Items = [] } = await dynamo.send(new ScanCommand({ TableName: leaseTable, ConsistentRead: true }));
      for (const item of Items) {
        const [held, key] = [readLease(item), item.repository];
        if (held === undefined || key === undefined) continue;
        await dynamo.send(
          new UpdateItemCommand({
            TableName: leaseTable,
            Key: { repository: key },
            UpdateExpression: "SET seenMs = :all",
            ExpressionAttributeValues: { ":all": { N: String(Math.ceil(held.leaseMs * 1.02)) } },
          }),
        );
      }
    });
    this.time.pass(61_000);
  }

  #registry(region: string) {
    return this.emulator.world.registry(account, region);
  }

  #direct<T>(work: (dynamo: DynamoDBClient) => Promise<T>): Promise<T> {
    this.#dynamo ??= new DynamoDBClient({ ...sdkSettings("DYNAMODB"), region: home });
    const dynamo = this.#dynamo;
    return withEmulator(
      this.emulator,
      (send) => send(),
      () => work(dynamo),
    );
  }

  async #makeTable(): Promise<void> {
    await this.#direct(async (dynamo) => {
      const key = "repository";
      await dynamo.send(
        new CreateTableCommand({
          TableName: leaseTable,
          AttributeDefinitions: [{ AttributeName: key, AttributeType: "S" }],
          KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
          BillingMode: "PAY_PER_REQUEST",
        }),
      );
      const status = async () =>
        (await dynamo.send(new DescribeTableCommand({ TableName: leaseTable }))).Table?.TableStatus;
      while ((await status()) !== "ACTIVE") await new Promise((resolve) => setImmediate(resolve));
    });
  }
}

/**
 * Runs an operation in a process that dies when this many of its calls have had their effect: nobody hears the last answer, and
 * no other call reaches the cloud. What the process makes of that is of no consequence, but it is let come to an end.
 */
async function until(
  dieAfter = Number.POSITIVE_INFINITY,
  { emulator, time }: Pick<Cloud, "emulator" | "time">,
  work: () => Promise<Ended>,
): Promise<Ended> {
  let [sent, isDead] = [0, false];
  const transport: Transport = async (send) => {
    isDead ||= sent >= dieAfter;
    if (isDead) return undefined;
    const number = ++sent;
    const done = time.begin();
    const answer = await send().finally(done);
    isDead ||= number === dieAfter;
    return isDead ? undefined : answer;
  };
  const end = await withEmulator(emulator, transport, work);
  time.forget();
  return isDead ? "died" : end;
}

function request(operation: string, input: object): Parameters<Application["run"]>[0] {
  return { operation, input: () => input, evidence: {} };
}

function ended(answer: Awaited<ReturnType<Application["run"]>>): Ended {
  if (answer.ok) return { ok: true, output: answer.output as Record<string, unknown> };
  const { code, message, retryable } = answer.error;
  return { ok: false, code, message, retryable };
}

function settled(outcome: Awaited<ReturnType<typeof handleEvent>>): Ended {
  if (outcome.outcome === "done") return { ok: true, output: {} };
  const { code, message } = outcome.error;
  return { ok: false, code, message, retryable: outcome.outcome === "retry" };
}
