import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { parseAllDocuments } from "yaml";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const bin = execFileSync("bash", [join(root, "test/tools/install.sh"), "--bin"], { encoding: "utf8" }).trim();
export const chart = join(root, "infra/kubernetes");
const run = promisify(execFile);

/** A manifest, as far as the tests look into it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    /** What the cluster gave it. */
    readonly uid?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: what a kind holds is checked against the API's schemas.
  readonly [field: string]: any;
}

export interface Rendered {
  readonly text: string;
  readonly manifests: readonly Manifest[];
  /** The only manifest of a kind, or the one of that name. */
  one(kind: string, name?: string): Manifest;
  all(kind: string): readonly Manifest[];
}

/** Renders the chart as Helm does. @throws with what Helm said, where it refuses */
export async function render(args: readonly string[] = [], values?: object): Promise<Rendered> {
  const given = values === undefined ? [] : ["--values", writeValues(values)];
  const common = ["template", "acme", chart, "--namespace", "registry", "--kube-version", "1.34.0", ...least];
  const { stdout } = await run(join(bin, "helm"), [...common, ...given, ...args], { maxBuffer: 16 * 1024 * 1024 });
  const manifests = parseAllDocuments(stdout)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
  const all = (kind: string) => manifests.filter((each) => each.kind === kind);
  return {
    text: stdout,
    manifests,
    all,
    one(kind, name) {
      const found = all(kind).filter((each) => name === undefined || each.metadata.name === name);
      if (found.length !== 1 || !found[0]) throw new Error(`${found.length} manifests of ${kind} ${name ?? ""}`);
      return found[0];
    },
  };
}

/** The pod that a workload makes. */
export const podOf = ({ kind, spec }: Manifest) =>
  (kind === "CronJob" ? spec.jobTemplate.spec.template : spec.template).spec;

export const envOf = (container: {
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}): Record<string, string> => Object.fromEntries(container.env.map(({ name, value }) => [name, value ?? ""]));

/** What Helm says when it refuses the values; fails where it does not. */
export async function refusal(values: object): Promise<string> {
  try {
    await render([], values);
  } catch (error) {
    return String((error as { stderr?: string }).stderr);
  }
  throw new Error("Helm rendered it.");
}

export async function lint(args: readonly string[]): Promise<string> {
  return (await run(join(bin, "helm"), ["lint", "--strict", chart, "--kube-version", "1.34.0", ...args])).stdout;
}

/** Validates manifests against the schemas of one version of Kubernetes' API; fields that it does not know are errors. */
export async function validate(manifests: readonly Manifest[], version: string): Promise<Summary> {
  const folder = temporaryFolder();
  const schemas = join(bin, "kubernetes-json-schema", `v${version}-local-strict`);
  // kubeconform follows no reference into another file: each kind gets its definitions into its own.
  const read = (file: string) =>
    JSON.parse(readFileSync(join(schemas, file), "utf8").replaceAll('"/api/_definitions.json#', '"#'));
  const { $schema, $defs } = read("_definitions.json");
  for (const { apiVersion, kind } of manifests) {
    const [group = "", short] = apiVersion.includes("/") ? apiVersion.split("/") : [undefined, apiVersion];
    const file = `${[kind.toLowerCase(), group.split(".")[0], short].filter(Boolean).join("-")}.json`;
    writeFileSync(join(folder, file), JSON.stringify({ $schema, ...read(file), $defs }));
  }
  const list = join(folder, "manifests.json");
  writeFileSync(list, JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests }));
  const location = `${folder}/{{.ResourceKind}}{{.KindSuffix}}.json`;
  const args = ["-strict", "-summary", "-output", "json", "-kubernetes-version", version, "-schema-location", location];
  const { stdout } = await run(join(bin, "kubeconform"), [...args, list]).catch((error) => error);
  return JSON.parse(stdout);
}

export interface Summary {
  readonly resources: readonly { readonly kind: string; readonly name: string; readonly msg: string }[];
  readonly summary: {
    readonly valid: number;
    readonly invalid: number;
    readonly errors: number;
    readonly skipped: number;
  };
}

const least = ["--values", join(chart, "ci/least.yaml")];
export const everyOption = ["--values", join(chart, "ci/every-option.yaml")];

function writeValues(values: object): string {
  const file = join(temporaryFolder(), "values.json");
  writeFileSync(file, JSON.stringify(values));
  return file;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "chart-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
