import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Faults } from "../faults.ts";
import type { CallRecord, NamedError } from "./call.ts";
import { ControlPlane } from "./control-plane.ts";
import { DataPlane } from "./data-plane/data-plane.ts";
import { Dynalites } from "./dynamodb/dynalite.ts";
import type { EmulatorEvent } from "./events.ts";
import { type Delays, Directory, type RoleDelay } from "./identity/directory.ts";
import { type Fetcher, lambdaPull } from "./lambda-pull.ts";
import { type PolicyInput, type RoleSeed, type SdkCredentials, seeding } from "./seeding.ts";
import { type Behaviour, World } from "./world.ts";

export interface EmulatorOptions {
  /** Accounts that exist. The first is home: what needs one and is told none uses it. */
  readonly accounts?: readonly string[];
  /** Regions with a data plane, in every one of these accounts. */
  readonly regions?: readonly string[];
  readonly partition?: "aws" | "aws-cn" | "aws-us-gov";
  /** How late other services see a role that CreateRole made. */
  readonly roleDelay?: RoleDelay;
  /** How late an inline policy counts that PutRolePolicy set. */
  readonly policyDelay?: RoleDelay;
  /** How late a repository's policy may name a role that CreateRole made. Default: as late as other services see it. */
  readonly principalDelay?: RoleDelay;
  readonly behaviour?: Partial<Behaviour>;
  /** What time it is. Default: the machine's. */
  readonly clock?: () => Date;
}

/** What there is of an emulator whether or not it listens. */
export interface EmulatedAccounts {
  readonly home: string;
  readonly partition: string;
  readonly faults: Faults<NamedError, CallRecord>;
  /** Every call since the start, or since it was last emptied (`calls.length = 0`). */
  readonly calls: CallRecord[];
  /** What EventBridge would have got. */
  readonly events: EmulatorEvent[];
  readonly world: World;

  /** Makes an account exist, so that policies can name it. */
  account(id: string): void;
  /** Makes or replaces a role that everybody sees at once. Returns its ARN. */
  role(account: string, name: string, seed?: RoleSeed): string;
  /** Makes a managed policy, for example a permissions boundary. Returns its ARN. */
  managedPolicy(account: string, name: string, policy: PolicyInput): string;
  /** Credentials of a session of this role, as a Lambda function has them: whoever uses them chains roles. */
  credentialsFor(roleArn: string, session?: { readonly name?: string; readonly seconds?: number }): SdkCredentials;
  /** Long-lived keys of a user with these policies. */
  userCredentials(account: string, name: string, policies?: RoleSeed["policies"]): SdkCredentials;
  /** A session that may do everything in its account; for arranging tests. */
  admin(account?: string): SdkCredentials;
  /** Makes an SQS queue. Returns its URL. */
  queue(account: string, region: string, name: string): string;

  /** What Lambda does with a function's image: whether it may be had, and Basic credentials to pull it with. */
  readonly lambda: Fetcher;
  /** Moves the emulator's clock forward: sessions and tokens end. Signatures keep to the real time. */
  advance(ms: number): void;
}

export interface AwsEmulator extends EmulatedAccounts {
  /** What `AWS_ENDPOINT_URL` is set to. */
  readonly url: string;
  /** Where the registry of an account in a region is reached; its real host is not to be had here. */
  registryUrl(region: string, account?: string): string;
  readonly publicRegistryUrl: string;
  /**
   * Where to reach what an API answered: takes a `repositoryUri`, a `proxyEndpoint` or a registry's host, and returns
   * the URL of that registry here.
   */
  reach(address: string): string;
  /** What a child process needs in its environment to call as these credentials. */
  environment(credentials: SdkCredentials, region?: string): Readonly<Record<string, string>>;
  /** Copies what waits for replication; returns the events of the destinations. */
  replicate(): Promise<EmulatorEvent[]>;
  stop(): Promise<void>;
}

function delaysOf({ roleDelay: role, policyDelay: policy, principalDelay: principal }: EmulatorOptions): Delays {
  return { ...(role && { role }), ...(policy && { policy }), ...(principal && { principal }) };
}

/** The emulator without anything that listens, and its control plane. */
export interface Assembled {
  readonly accounts: EmulatedAccounts;
  readonly controlPlane: ControlPlane;
}

/** @param url what the queues' URLs begin with */
export function assemble(options: EmulatorOptions, url: () => string): Assembled {
  const { accounts = ["111122223333"], partition = "aws" } = options;
  const { clock: given = () => new Date() } = options;
  const [home] = accounts;
  if (home === undefined) throw new Error("An emulator needs an account.");
  let ahead = 0;
  const clock = () => new Date(given().getTime() + ahead);
  const directory = new Directory(partition, clock, delaysOf(options));
  for (const account of accounts) directory.account(account);
  const faults = new Faults<NamedError, CallRecord>();
  const behaviour = {
    regionalTokens: true,
    tokensOutliveSessions: false,
    replicateAtOnce: false,
    keepsNewMembers: false,
    trusting: false,
    ...options.behaviour,
  };
  const world = new World({ directory, faults, behaviour, clock });
  return {
    controlPlane: new ControlPlane(world, new Dynalites()),
    accounts: {
      home,
      partition,
      faults,
      calls: world.calls,
      events: world.events,
      world,
      ...seeding(world, url, home),
      lambda: lambdaPull(world),
      advance(ms) {
        ahead += ms;
      },
    },
  };
}

/**
 * @example
 * const aws = await startAwsEmulator({ accounts: ["111122223333", "444455556666"], regions: ["us-east-1"] });
 * const role = aws.role("111122223333", "function", { policies: [{ Effect: "Allow", Action: "ecr:*", Resource: "*" }] });
 * const ecr = new ECRClient({ endpoint: aws.url, region: "us-east-1", credentials: aws.credentialsFor(role) });
 */
export async function startAwsEmulator(options: EmulatorOptions = {}): Promise<AwsEmulator> {
  const { regions = ["us-east-1"] } = options;
  let url = "";
  const { accounts, controlPlane } = assemble(options, () => url);
  const { world, home } = accounts;
  const dataPlane = await DataPlane.open(world, options.accounts ?? [home], regions);
  world.dataPlane = dataPlane;
  const server = createServer({ keepAliveTimeout: 65_000 }, (req, res) => {
    serve(controlPlane, req, res).catch((error: unknown) => {
      // The client went away.
      if (!req.socket.destroyed) console.error("The AWS emulator failed:", error);
      req.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    ...accounts,
    url,
    registryUrl: (region, account = home) => dataPlane.url(account, region),
    publicRegistryUrl: dataPlane.publicUrl,
    reach: (address) => dataPlane.reach(address),
    environment: (credentials, region = regions[0] ?? "us-east-1") => environmentOf(url, credentials, region),
    replicate: () => dataPlane.replicate(),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await dataPlane.close();
    },
  };
}

async function serve(controlPlane: ControlPlane, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const answer = await controlPlane.answer(req, Buffer.concat(chunks));
  if (answer === undefined) return void req.socket.destroy();
  const { status, headers, body } = answer;
  res.writeHead(status, { ...headers, "content-length": body.length });
  res.end(body);
}

function environmentOf(url: string, credentials: SdkCredentials, region: string): Readonly<Record<string, string>> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
    AWS_EC2_METADATA_DISABLED: "true",
  };
}
