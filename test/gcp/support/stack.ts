import { ownershipLabel } from "../../../functions/gcp/gar/own-repository.ts";
import { ownershipMark } from "../../../functions/gcp/provisioning/accounts.ts";
import { type GcpEmulator, type GcpEmulatorOptions, startGcpEmulator } from "../../emulators/gcp/index.ts";

/** A project with what a registry needs, as an operator makes it. */
export interface GcpStack {
  readonly gcp: GcpEmulator;
  readonly project: string;
  readonly location: string;
  /** The account that the function runs as. */
  readonly functionAccount: string;
  /** The name of a registry's repository in the API. */
  repository(id: string): string;
  /** The accounts that credentials of a registry are minted for. */
  pullAccount(id: string): string;
  pushAccount(id: string): string;
  /** The JSON that binds a registry. */
  binding(id: string, more?: object): string;
  /** Points Google's libraries in this process at the emulator, as the function's account. */
  useInThisProcess(): void;
  /** The variables that do so in another process. */
  env(): Record<string, string>;
  stop(): Promise<void>;
}

export interface StackOptions extends Pick<GcpEmulatorOptions, "behaviour" | "accountDelayMs"> {
  readonly repositories?: readonly string[];
  /** May be domain-scoped. */
  readonly project?: string;
  /** Roles of the function on each repository. */
  readonly functionRoles?: readonly string[];
  /** Roles of the function on the project. */
  readonly projectRoles?: readonly string[];
}

const location = "europe-west1";

export async function startStack(options: StackOptions = {}): Promise<GcpStack> {
  const { repositories = ["images", "builds"], project = "vendor-project", ...rest } = options;
  const { functionRoles = ["roles/artifactregistry.admin"], projectRoles = [] } = options;
  const gcp = await startGcpEmulator({
    ...rest,
    projects: { [project]: "111122223333", "customer-project": "444455556666", "other-project": "555566667777" },
    locations: [location],
  });
  const functionAccount = gcp.serviceAccount("function", { roles: { [project]: projectRoles } });
  const accounts = new Map<string, { pull: string; push: string; name: string }>();
  for (const id of repositories) {
    const name = gcp.repository(id, { labels: { [ownershipLabel]: id } });
    const description = ownershipMark({ project, location, repository: id });
    const account = (kind: string, role: string) =>
      gcp.serviceAccount(`${id}-${kind}`, { description, roles: { [name]: [role] } });
    const pull = account("pull", "roles/artifactregistry.reader");
    const push = account("push", "roles/artifactregistry.writer");
    for (const email of [pull, push]) {
      gcp.serviceAccount("function", { roles: { [email]: ["roles/iam.serviceAccountTokenCreator"] } });
    }
    gcp.serviceAccount("function", { roles: { [name]: functionRoles } });
    accounts.set(id, { pull, push, name });
  }
  const of = (id: string) => {
    const found = accounts.get(id);
    if (found === undefined) throw new Error(`There is no registry ${id}.`);
    return found;
  };
  const env = { ...(await gcp.environment(functionAccount)), METADATA_SERVER_DETECTION: "assume-present" };
  const before = { ...process.env };
  return {
    gcp,
    project,
    location,
    functionAccount,
    repository: (id) => of(id).name,
    pullAccount: (id) => of(id).pull,
    pushAccount: (id) => of(id).push,
    binding: (id, more = {}) =>
      JSON.stringify({
        service: "gar",
        projectId: project,
        location,
        repositoryName: id,
        pullServiceAccountEmail: of(id).pull,
        pushServiceAccountEmail: of(id).push,
        ...more,
      }),
    useInThisProcess: () => void Object.assign(process.env, env),
    env: () => ({ ...env }),
    async stop() {
      for (const name of Object.keys(env)) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
      await gcp.stop();
    },
  };
}
