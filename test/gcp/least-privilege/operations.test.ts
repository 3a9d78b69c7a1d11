import { describe, expect, test } from "vitest";
import { readerRole } from "../../../functions/gcp/policy/document.ts";
import { packageAt } from "../../emulators/gcp/artifact-registry/repository.ts";
import {
  type DoorFunction,
  images,
  location,
  neededFor,
  type Right,
  registries,
  startDoor,
} from "./support/function.ts";

const worker = {
  type: "gcp",
  projectNumbers: ["444455556666"],
  serviceAccountEmails: [],
  allowedServiceTypes: ["worker"],
};
const workerAgent = "service-444455556666@serverless-robot-prod.iam.gserviceaccount.com";
const mint = { permissions: "pull", ttlSeconds: 900 };
const inputs = {
  createRepository: { name: "app" },
  getRepository: { repoId: "app" },
  setupRepository: { name: "app", access: [worker] },
  deleteRepository: { repoId: "app" },
  describeRegistry: {},
  generateCredentials: { repoId: "app", ...mint },
  "push-pull": { repoId: "app", ...mint, permissions: "push-pull" },
  addCrossAccountAccess: { repoId: "app", access: worker },
  removeCrossAccountAccess: { repoId: "app", access: worker },
  getCrossAccountAccess: { repoId: "app" },
  listRepositories: {},
  listImages: { repoId: "app" },
  deleteImage: { repoId: "app", reference: `sha256:${"0".repeat(64)}` },
  listGranteeAccess: { grantee: "gcp:444455556666" },
  removeGranteeAccess: { grantee: "gcp:444455556666" },
} as const;
type Needed = keyof typeof inputs;
const operations = Object.keys(inputs) as Needed[];

const isNeeded = (operation: Needed, concern: string) => neededFor[concern]?.includes(operation) ?? false;

function seedIndex({ world }: DoorFunction["gcp"], project: string, registry: string): void {
  const found = world.repositories.get(`projects/${project}/locations/${location}/repositories/acme-${registry}`);
  if (found === undefined) throw new Error(`There is no registry ${registry}.`);
  const { versions, tags } = packageAt(found, "app", new Date());
  const [index, image] = ["1", "2"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];
  const about = { sizeBytes: 1, createTime: new Date(), updateTime: new Date() };
  versions.set(index, {
    ...about,
    digest: index,
    mediaType: "application/vnd.oci.image.index.v1+json",
    children: [image],
  });
  versions.set(image, {
    ...about,
    digest: image,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    children: [],
  });
  for (let n = 0; n < 100; n++) tags.set(`tag-${n}`, index);
}

/** Runs an operation behind the public door, for a registry that is bound and one that was provisioned at run time. */
async function run({ suite, gcp }: DoorFunction, operation: Needed): Promise<void> {
  for (const [registry, project] of [
    ["images", images],
    ["builds", registries],
  ] as const) {
    if (operation === "removeCrossAccountAccess" || operation === "removeGranteeAccess") {
      const resource = `projects/${project}/locations/${location}/repositories/acme-${registry}`;
      const granted = { role: readerRole, members: [`serviceAccount:${workerAgent}`] };
      gcp.setPolicy(resource, [...gcp.policy(resource).bindings, granted]);
    }
    // Of an image path with an index and many tags, so that all that a deletion may have to do is done.
    if (operation === "deleteRepository" || operation === "listImages") seedIndex(gcp, project, registry);
    const name = operation === "push-pull" ? "generateCredentials" : operation;
    const answer: object = await suite.ok(name, { registry, ...inputs[operation] });
    // Only an answer about health tells what is missing without being refused.
    if ("health" in answer) expect(answer.health).toMatchObject({ status: "healthy" });
  }
}

async function under(isLeftOut: (right: Right) => boolean, operation: Needed): Promise<void> {
  const running = await startDoor("oidc", isLeftOut);
  try {
    await run(running, operation);
  } finally {
    await running.stop();
  }
}

/** What infra/gcp leaves out where the rules allow this operation only: a derived registry's label is read by all. */
const others = (operation: Needed) => (right: Right) =>
  !isNeeded(operation, right.concern) && !(right.place === "derived" && right.concern === "registry");

describe("the public door's rights for one operation", () => {
  test("are there for every operation that needs any", () => {
    expect(
      Object.values(neededFor)
        .flat()
        .filter((each) => !operations.includes(each as Needed)),
    ).toEqual([]);
  });

  test.each(operations)("%s: are enough", async (operation) => {
    await expect(under(others(operation), operation)).resolves.toBeUndefined();
  });

  const needs = operations.flatMap((operation) =>
    Object.keys(neededFor).flatMap((concern) => (isNeeded(operation, concern) ? [{ operation, concern }] : [])),
  );
  test.each(needs)("$operation: needs $concern", async ({ operation, concern }) => {
    const isLeftOut = (right: Right) => others(operation)(right) || right.concern === concern;
    await expect(under(isLeftOut, operation)).rejects.toThrow();
  });
});
