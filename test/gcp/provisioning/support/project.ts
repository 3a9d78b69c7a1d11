import { randomUUID } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import type { Environment } from "../../../../core/platform.ts";
import { ownershipLabel } from "../../../../functions/gcp/gar/own-repository.ts";
import { platform } from "../../../../functions/gcp/index.ts";
import { ownershipMark } from "../../../../functions/gcp/provisioning/accounts.ts";
import { createClient, pushImage } from "../../../../oci/client/index.ts";
import { type Suite, startSuite } from "../../../contract/harness.ts";
import { emailOf } from "../../../emulators/gcp/http/iam.ts";
import { permissionsOn } from "../../../infra/support/gcp-roles.ts";
import { buildImage } from "../../../oci/client/images.ts";
import { type GcpStack, type StackOptions, startStack } from "../../support/stack.ts";

/** One project without any registry for the tests of a file, and this process as its function, behind every door. */
export function useProject(options: StackOptions = {}): () => Project {
  let project: Project | undefined;
  beforeAll(async () => {
    const stack = await startStack({ repositories: [], ...options });
    const permissions = [
      ...permissionsOn("provision", "project", "derived"),
      ...permissionsOn("platform", "derived", "tagged"),
    ];
    const role = stack.gcp.role("everyDoor", permissions);
    stack.gcp.serviceAccount("function", { roles: { [stack.project]: [role] } });
    stack.useInThisProcess();
    project = new Project(stack);
  });
  afterAll(async () => {
    await project?.close();
    await project?.stack.stop();
  });
  return () => {
    if (project === undefined) throw new Error("The project has not been set up.");
    return project;
  };
}

export class Project {
  readonly stack: GcpStack;
  readonly #suites: Suite[] = [];

  constructor(stack: GcpStack) {
    this.stack = stack;
  }

  get gcp() {
    return this.stack.gcp;
  }

  /** The id of a repository that does not exist yet. */
  fresh(word = "reg"): string {
    return `${word}${randomUUID().slice(0, 6)}`;
  }

  place(repository: string) {
    return { project: this.stack.project, location: this.stack.location, repository };
  }

  /** What binds a registry before it is provisioned. */
  binding(repository: string): object {
    const { project: projectId, location, repository: repositoryName } = this.place(repository);
    return { service: "gar", projectId, location, repositoryName };
  }

  /** The suite over HTTP; its registry `images` is bound to this repository. */
  async open(repository: string, { binding = {}, env = {} }: { binding?: object; env?: Environment } = {}) {
    const bound = JSON.stringify({ ...this.binding(repository), ...binding });
    return this.openDerived({ ALIEN_IMAGES_BINDING: bound, ...env });
  }

  /** The suite over HTTP, where nothing is bound but what is given. */
  async openDerived(env: Environment): Promise<Suite> {
    const { location: GOOGLE_CLOUD_LOCATION } = this.stack;
    const all = { ...this.stack.env(), GOOGLE_CLOUD_LOCATION, ...env };
    const suite = await startSuite(platform, all, ["images", "builds"]);
    this.#suites.push(suite);
    return suite;
  }

  /** A repository as the API names it. */
  name(repository: string): string {
    return `projects/${this.stack.project}/locations/${this.stack.location}/repositories/${repository}`;
  }

  email(id: string): string {
    return emailOf(id, this.stack.project);
  }

  repository(repository: string) {
    return this.gcp.world.repositories.get(this.name(repository));
  }

  account(id: string) {
    return this.gcp.world.directory.account(this.email(id));
  }

  /** Somebody's repository, as they made it. */
  seedRepository(id: string, labels: Readonly<Record<string, string>> = {}, format = "DOCKER"): string {
    return this.gcp.repository(id, { labels, format });
  }

  /** A repository that provisioning would take for its own. */
  seedOwn(id: string): string {
    return this.seedRepository(id, { [ownershipLabel]: id });
  }

  /** A service account; with the mark of a registry, provisioning would take it for its own. */
  seedAccount(id: string, repository?: string): string {
    const description = repository === undefined ? "Somebody's." : `Ours. ${ownershipMark(this.place(repository))}`;
    return this.gcp.serviceAccount(id, { description });
  }

  members(resource: string, role: string): readonly string[] {
    return this.gcp.policy(resource).bindings.find((binding) => binding.role === role)?.members ?? [];
  }

  /** Pushes an image as somebody who may do everything. */
  async push(repository: string, image = "app"): Promise<void> {
    const credentials = { username: "oauth2accesstoken", password: this.gcp.admin() };
    const client = createClient({ url: this.gcp.registryUrl(), credentials });
    await pushImage(client, `${this.stack.project}/${repository}/${image}`, "1.0", buildImage({ seed: image }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#suites.map((suite) => suite.stop()));
  }
}
