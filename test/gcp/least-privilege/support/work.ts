import { ArtifactRegistryError } from "../../../../core/errors.ts";
import { createOwnIdentity } from "../../../../functions/gcp/auth.ts";
import { pubsubDeadLetters } from "../../../../functions/gcp/doors/dead-letters.ts";
import { createClient, pullImage, pushImage } from "../../../../oci/client/index.ts";
import { packageAt } from "../../../emulators/gcp/artifact-registry/repository.ts";
import type { GcpDoor } from "../../../infra/support/gcp-roles.ts";
import { buildImage } from "../../../oci/client/images.ts";
import { type DoorFunction, location, registries } from "./function.ts";

const worker = {
  type: "gcp",
  projectNumbers: ["444455556666"],
  serviceAccountEmails: [],
  allowedServiceTypes: ["worker"],
};

function packageIn({ world }: DoorFunction["gcp"], name: string) {
  const [project, id, path = ""] = name.split("/");
  const found = world.repositories.get(`projects/${project}/locations/${location}/repositories/${id}`);
  if (found === undefined) throw new Error(`There is no repository for ${name}.`);
  return packageAt(found, path, new Date());
}

/** Everything that callers may ask of one registry, with real images. */
async function runtime({ suite, gcp }: DoorFunction, registry: string): Promise<void> {
  const { name: repoId } = await suite.ok("createRepository", { registry, name: "app" });
  await suite.ok("getRepository", { registry, repoId });
  const client = async (permissions: "pull" | "push-pull") => {
    const answer = await suite.ok("generateCredentials", { registry, repoId, permissions, ttlSeconds: 900 });
    return createClient({
      url: gcp.registryUrl(),
      credentials: { username: answer.username ?? "", password: answer.password },
    });
  };
  const image = buildImage({ seed: registry });
  const { digest } = image.manifest;
  await pushImage(await client("push-pull"), repoId, "1.0", image);
  await pullImage(await client("pull"), repoId, "1.0");
  await suite.ok("listRepositories", { registry });
  // Only of an image with many tags are they asked for.
  for (let n = 0; n < 100; n++) packageIn(gcp, repoId).tags.set(`tag-${n}`, digest);
  await suite.ok("listImages", { registry, repoId });
  for (const reference of ["1.0", digest]) await suite.ok("deleteImage", { registry, repoId, reference });
  await suite.ok("addCrossAccountAccess", { registry, repoId, access: worker });
  await suite.ok("getCrossAccountAccess", { registry, repoId });
  await suite.ok("removeCrossAccountAccess", { registry, repoId, access: worker });
  await suite.ok("setupRepository", { registry, name: "app", access: [worker] });
  const grantee = "gcp:444455556666";
  await suite.ok("listGranteeAccess", { registry, grantee });
  await suite.ok("removeGranteeAccess", { registry, grantee });
  await suite.ok("deleteRepository", { registry, repoId });
  await describe(suite, registry);
}

/** What an event asks for, and what becomes of one that is hopeless. */
async function events({ suite, env }: DoorFunction, registry: string): Promise<void> {
  for (let delivery = 0; delivery < 2; delivery++) {
    await suite.ok("setupRepository", { registry, name: "app", access: [worker] });
  }
  const hopeless = new ArtifactRegistryError("INVALID_INPUT", "It can never be done.");
  const letter = { data: Buffer.from("{}"), attributes: {} };
  await pubsubDeadLetters(env, createOwnIdentity(env)).send(letter, hopeless, "request-1", AbortSignal.timeout(20_000));
}

/** Everything that makes, looks at and unmakes a registry. */
async function provision({ suite, gcp }: DoorFunction): Promise<void> {
  const registry = "builds";
  for (let time = 0; time < 2; time++) await suite.ok("provisionRegistry", { registry });
  await describe(suite, registry);
  const client = createClient({
    url: gcp.registryUrl(),
    credentials: { username: "oauth2accesstoken", password: gcp.admin() },
  });
  await pushImage(client, `${registries}/acme-builds/app`, "1.0", buildImage({ seed: registry }));
  const { body } = await suite.refused("deprovisionRegistry", { registry });
  if (body.code !== "RESOURCE_CONFLICT") throw new Error(JSON.stringify(body));
  await suite.ok("deprovisionRegistry", { registry, deleteRepositories: true });
}

async function describe(suite: DoorFunction["suite"], registry: string): Promise<void> {
  const { health } = await suite.ok("describeRegistry", { registry });
  if (health.status !== "healthy") throw new Error(JSON.stringify(health.findings));
}

/** All that a door's function does, for a registry that is bound and for one that was provisioned at run time. */
export async function work(door: GcpDoor, running: DoorFunction): Promise<void> {
  if (door === "provision") return provision(running);
  const run = door === "events" ? events : runtime;
  await run(running, "images");
  await run(running, "builds");
}
