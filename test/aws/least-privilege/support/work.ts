import { ArtifactRegistryError } from "../../../../core/errors.ts";
import type { RoutableName } from "../../../../core/names.ts";
import type { Page } from "../../../../core/registry.ts";
import type { AwsAccess } from "../../../../core/schemas.ts";
import { sqsDeadLetters } from "../../../../functions/aws/doors/dead-letters.ts";
import type { EcrRegistry } from "../../../../functions/aws/ecr/adapter.ts";
import type { ExecutionDoor } from "../../../infra/support/aws-roles.ts";
import { call, type DoorFunction } from "./function.ts";
import { account, consumer, home, replica } from "./scope.ts";

const to = (id: string): AwsAccess => ({
  type: "aws",
  accountIds: [id],
  regions: [],
  roleArns: [],
  allowedServiceTypes: [],
});
const statement = (Sid: string, Action: string[]) => ({
  Sid,
  Effect: "Allow",
  Principal: { AWS: [`arn:aws:iam::${consumer}:root`] },
  Action,
});
const pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const document = (...Statement: object[]) => ({ Version: "2012-10-17", Statement });
/** A document of ours, and one in which somebody else has a statement too. */
const ours = document(statement("ArtifactRegistryAccounts", pull));
const shared = document(statement("Theirs", ["ecr:DescribeImages"]), statement("ArtifactRegistryAccounts", pull));

/** Does the work while AWS takes the consumer into no policy. */
async function whileRefused(door: DoorFunction, work: () => Promise<unknown>): Promise<void> {
  const reopen = door.stack.emulator.world.refusePrincipal({ accountId: consumer });
  await work();
  reopen();
}

/** Reads a list to its end. */
export async function readOn(read: (cursor: string | undefined) => Promise<Page<unknown>> | undefined): Promise<void> {
  for (let cursor: string | undefined; ; ) {
    const page = await read(cursor);
    cursor = page?.next;
    if (cursor === undefined) return;
  }
}

/** Everything that callers may ask of one registry, at home and at its replicas. */
async function runtime(door: DoorFunction, registry: EcrRegistry, prefix: string): Promise<void> {
  const name = await registry.createRepository(registry.routeName("app"), call()).then(({ name }) => name);
  const app = name as RoutableName;
  await registry.createRepository(app, call());
  await door.repository(app, { region: replica, policy: shared });
  await registry.getRepository(app, call());
  await registry.health(call());
  for (const permissions of ["pull", "push-pull"] as const) {
    await registry.generateCredentials({ name: app, permissions, ttlSeconds: 900 }, call());
  }
  const { crossAccount } = registry;
  if (!crossAccount) throw new Error("There is no cross-account access.");
  // At once, so that one waits for the other's lease.
  await Promise.all([crossAccount.add(app, [to(consumer)], call()), crossAccount.add(app, [to(account)], call())]);
  await crossAccount.get(app, call());
  const page = { pageSize: 100 };
  await registry.listRepositories?.(page, call());
  for (const each of [app, prefix as RoutableName]) {
    await registry.listImages?.(each, page, call());
    await registry.deleteImage?.(each, { tag: "1.0" }, call());
  }
  const grantee = { type: "aws", accountId: consumer } as const;
  await crossAccount.listOf?.(grantee, page, call());
  await readOn((cursor) => crossAccount.removeAll?.(grantee, { ...page, cursor }, call()));
  await crossAccount.add(app, [to(consumer)], call());
  await whileRefused(door, () => crossAccount.remove(app, to(account), call()));
  await crossAccount.remove(app, to(consumer), call());
  await crossAccount.remove(app, to(account), call());

  const own = prefix as RoutableName;
  await door.repository(own, { region: replica, policy: ours });
  await registry.getRepository(own, call());
  await crossAccount.add(own, [to(consumer)], call());
  await crossAccount.remove(own, to(consumer), call());
  await registry.deleteRepository(app, call());
}

/** What events do: set-up, and replicas that come into being. */
async function events(door: DoorFunction, registry: EcrRegistry, prefix: string): Promise<void> {
  const app = registry.routeName("app");
  const own = prefix as RoutableName;
  const event = () => ({ ...call(), asOf: { at: new Date(), isCut: false } });
  for (let delivery = 0; delivery < 2; delivery++) await registry.createRepository(app, event());
  await Promise.all([to(consumer), to(account)].map((access) => registry.crossAccount?.add(app, [access], event())));
  await door.repository(app, { region: replica });
  await whileRefused(door, () => registry.replicated(app, replica, call()));
  await registry.replicated(app, replica, call());
  // Nothing is granted at home: what the replica has of ours goes.
  await door.repository(own, { region: replica, policy: ours });
  await registry.replicated(own, replica, call());
  await registry.crossAccount?.add(own, [to(consumer)], event());
  // A policy that vanished from a repository with grants on record: was the repository made anew?
  await door.forgetPolicy(own);
  await registry.crossAccount?.add(own, [to(consumer)], event());
  // Somebody put a document of ours back whose grants are recorded nowhere.
  const empty = registry.routeName("empty");
  await door.repository(empty, { owner: prefix });
  await door.repository(empty, { region: replica, policy: ours });
  await registry.replicated(empty, replica, call());
  const hopeless = new ArtifactRegistryError("INVALID_INPUT", "It can never be done.");
  const letters = sqsDeadLetters(door.deadLetterQueueUrl, home);
  await letters.send("{}", hopeless, "request-1", AbortSignal.timeout(5_000));
}

/** Everything that makes, changes, looks at and unmakes a registry. */
async function provision(door: DoorFunction, registry: EcrRegistry, prefix: string): Promise<void> {
  const { provisioning } = registry;
  if (!provisioning) throw new Error("There is no provisioning.");
  const { directory } = door.stack.emulator.world;
  await provisioning.provision({ replicationRegions: [replica] }, call());
  await door.repository(`${prefix}-app`, { owner: prefix, isPushed: true });
  await provisioning.backfill?.(call());
  await registry.health(call());
  const role = directory.account(account).roles.get(`${prefix}-pull`);
  if (!role) throw new Error("There is no role.");
  role.boundary = undefined;
  role.maxSessionDuration = 3_600;
  role.trust = { ...role.trust, document: { Version: "2012-10-17", Statement: [] } };
  // A region that infra/aws does not name: replicas there are ECR's own.
  await door.repository(prefix, { region: "eu-north-1" });
  await provisioning.provision({ replicationRegions: [replica, "eu-north-1"] }, call());

  await door.repository(`${prefix}-app`, { policy: ours });
  await door.repository(`${prefix}-app`, { region: replica, policy: shared });
  await door.repository(prefix, { region: replica, policy: ours });
  await door.repository(`${prefix}-left`, { region: replica, policy: shared });
  await provisioning.deprovision({}, call()).catch((error: unknown) => {
    if (!(error instanceof ArtifactRegistryError && error.code === "RESOURCE_CONFLICT")) throw error;
  });
  await whileRefused(door, () => provisioning.provision({ replicationRegions: [] }, call()));
  // Two at once, so that one waits for the other's lease.
  const options = { replicationRegions: [replica, home] };
  await Promise.all([provisioning.provision(options, call()), provisioning.provision(options, call())]);
  await provisioning.provision({ replicationRegions: [replica] }, call());
  await provisioning.deprovision({ deleteRepositories: true }, call());
}

/** All that a door's function does, for a registry that is bound and for one that is derived. */
export async function work(door: ExecutionDoor, running: DoorFunction): Promise<void> {
  const run = door === "provision" ? provision : door === "events" ? events : runtime;
  await run(running, await running.registry(), "images");
  await run(running, await running.registry("builds"), "acme-builds");
}
