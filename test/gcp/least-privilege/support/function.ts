import { ownershipLabel } from "../../../../functions/gcp/gar/own-repository.ts";
import { platform } from "../../../../functions/gcp/index.ts";
import { ownershipMark } from "../../../../functions/gcp/provisioning/accounts.ts";
import { type Suite, startSuite } from "../../../contract/harness.ts";
import { type GcpEmulator, startGcpEmulator } from "../../../emulators/gcp/index.ts";
import {
  conditionOf,
  type DoorRoles,
  doorRoles,
  type GcpDoor,
  registryTag,
  rolePermissions,
} from "../../../infra/support/gcp-roles.ts";
import { read } from "../../../infra/support/module.ts";

export const registries = "acme-registries";
export const functions = "acme-functions";
/** Of the registry that is bound: elsewhere, so that what is bound on the project of the others does not reach it. */
export const images = "acme-images";
export const location = "europe-west1";

/** Where a role is bound, and one permission of it. */
export interface Right {
  readonly place: keyof DoorRoles;
  readonly concern: string;
  readonly permission: string;
}

/** The operations that need each concern, by which the public door gets those that its rules need. */
export const neededFor: Readonly<Record<string, readonly string[]>> = JSON.parse(
  read("infra/gcp/roles/operations.json"),
);

/** Every permission of a door, wherever it is bound. */
export function rightsOf(door: GcpDoor): Right[] {
  const places = Object.entries(doorRoles[door]) as [keyof DoorRoles, readonly string[]][];
  return places.flatMap(([place, concerns]) =>
    concerns.flatMap((concern) =>
      (rolePermissions[concern] ?? []).map((permission) => ({ place, concern, permission })),
    ),
  );
}

/** A function behind one door, under an account that has exactly what infra/gcp gives it. */
export interface DoorFunction {
  readonly gcp: GcpEmulator;
  readonly account: string;
  readonly suite: Suite;
  readonly env: Readonly<Record<string, string>>;
  /** An account of the registry that is bound. */
  email(kind: "pull" | "push"): string;
  stop(): Promise<void>;
}

/** A door's account, and where its roles are bound. */
interface Bound {
  readonly door: GcpDoor;
  readonly account: string;
  readonly place: keyof DoorRoles;
  readonly resource: string;
  readonly project: string;
}

/** Binds the roles that infra/gcp gives a door's account at a place, under the conditions that it has there. */
export function bindRoles(
  gcp: GcpEmulator,
  { door, account, place, resource, project }: Bound,
  isLeftOut: (right: Right) => boolean = () => false,
): void {
  const bindings = doorRoles[door][place].map((concern) => {
    const permissions = (rolePermissions[concern] ?? []).filter(
      (permission) => !isLeftOut({ place, concern, permission }),
    );
    const condition = conditionOf(place, concern, registries);
    const role = gcp.role(`${place}_${concern}_${door}`, permissions, project);
    return { role, members: [`serviceAccount:${account}`], ...(condition && { condition }) };
  });
  gcp.setPolicy(resource, [...gcp.policy(resource).bindings, ...bindings]);
}

/**
 * Arranges what infra/gcp makes: the registry `images`, which is bound, and, unless this door provisions, `builds`, which
 * somebody provisioned.
 *
 * @param isLeftOut tells of a right that the account does not get
 */
export async function startDoor(
  door: GcpDoor,
  isLeftOut: (right: Right) => boolean = () => false,
): Promise<DoorFunction> {
  const gcp = await startGcpEmulator({
    projects: {
      [registries]: "111122223333",
      [functions]: "222233334444",
      [images]: "333344445555",
      "customer-project": "444455556666",
    },
    locations: [location],
  });
  const account = gcp.serviceAccount(`acme-${door}`, { project: functions });

  const bind = (resource: string, place: keyof DoorRoles, project = registries) =>
    bindRoles(gcp, { door, account, place, resource, project }, isLeftOut);
  const registry = (project: string, id: string) => {
    const name = gcp.repository(id, { project, labels: { [ownershipLabel]: id } });
    const description = ownershipMark({ project, location, repository: id });
    const minting = (kind: string, role: string) =>
      gcp.serviceAccount(`${id}-${kind}`, { project, description, roles: { [name]: [role] } });
    const pull = minting("pull", "roles/artifactregistry.reader");
    const push = minting("push", "roles/artifactregistry.writer");
    return { name, accounts: { pull, push } };
  };

  const bound = registry(images, "acme-images");
  bind(bound.name, "repository", images);
  for (const email of Object.values(bound.accounts)) bind(email, "account", images);
  const tag = gcp.tag(registryTag.key, registryTag.value, registries);
  bind(registries, "derived");
  bind(registries, "tagged");
  bind(registries, "project");
  bind(tag.valueId, "tag");
  if (door !== "provision") {
    const derived = registry(registries, "acme-builds");
    gcp.world.tags.attach(derived.name, tag.valueId);
    // As provisioning lets those mint whom it is told.
    const mints = doorRoles[door].account.length > 0;
    for (const email of mints ? Object.values(derived.accounts) : []) {
      gcp.serviceAccount(`acme-${door}`, {
        project: functions,
        roles: { [email]: ["roles/iam.serviceAccountTokenCreator"] },
      });
    }
  }
  const topic = gcp.topic("acme-dead-letters", functions);
  if (door === "events") {
    gcp.serviceAccount("acme-events", { project: functions, roles: { [topic]: ["roles/pubsub.publisher"] } });
  }

  const env = {
    ...(await gcp.environment(account)),
    METADATA_SERVER_DETECTION: "assume-present",
    GOOGLE_CLOUD_PROJECT: registries,
    GOOGLE_CLOUD_LOCATION: location,
    ALIEN_DOOR: door,
    ALIEN_STACK_PREFIX: "acme",
    ALIEN_REGISTRY_TAG: tag.valueId,
    ALIEN_DEAD_LETTER_TOPIC: topic,
    ALIEN_FUNCTION_SERVICE_ACCOUNTS: gcp.serviceAccount("acme-platform", { project: functions }),
    ALIEN_IMAGES_BINDING: JSON.stringify({
      service: "gar",
      projectId: images,
      location,
      repositoryName: "acme-images",
      pullServiceAccountEmail: bound.accounts.pull,
      pushServiceAccountEmail: bound.accounts.push,
    }),
  };
  const before = { ...process.env };
  // Google's libraries look there.
  Object.assign(process.env, env);
  const suite = await startSuite(platform, env, ["images", "builds"]);
  return {
    gcp,
    account,
    suite,
    env,
    email: (kind) => bound.accounts[kind],
    async stop() {
      for (const name of Object.keys(env)) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
      await suite.stop();
      await gcp.stop();
    },
  };
}
