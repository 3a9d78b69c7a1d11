import type {
  ArtifactRegistryCredentials,
  Backfill,
  CrossAccountAccess,
  CrossAccountPermissions,
  GranteeAccess,
  Image,
  RegistryDescription,
  RepositoryResponse,
  RevokedAccess,
  Unmanaged,
  WhichCredentials,
} from "../types.ts";
import { paint } from "./terminal.ts";

const title = (text: string) => paint(process.stdout, "bold", text);
const plain = (text: string) => text;

/** Lists names and values, one on each line. A value that is absent is left out. */
export function pairs(values: Readonly<Record<string, string | undefined>>): string {
  const rows = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return columns(rows, (_row, column) => (column === 0 ? title : plain));
}

/** Lists rows under a heading. */
function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  return columns([heading, ...rows], (row) => (row === 0 ? title : plain));
}

/** Shows what replicas lacked; nothing where nobody asked. */
export function backfillsView(backfills: readonly Backfill[]): string {
  if (backfills.length === 0) return "";
  const row = ({ region, images, sizeBytes, state, others = [] }: Backfill) =>
    [region, images, sizeBytes, state, others.join(", ") || "-"].map(String);
  return `\n${table(["REGION", "IMAGES", "BYTES", "BACKFILL", "ALSO COPIES"], backfills.map(row))}`;
}

/** Shows the password, since that is what `credentials` is for. */
export function credentialsView(output: ArtifactRegistryCredentials): string {
  return pairs({
    Username: output.username === "" ? "(none)" : output.username,
    Password: output.password,
    Method: output.authMethod,
    Scope: output.scope,
    Expires: output.expiresAt ?? "never: a static account",
  });
}

/** Names the credentials that a revocation ends, for use in a sentence. */
export function credentialsNamed(registry: string, which: WhichCredentials): string {
  const { repoId, permissions, caller, credentialId } = which;
  if (credentialId === undefined && caller === undefined && permissions === undefined && repoId === undefined) {
    return `every credential of the registry "${registry}"`;
  }
  const parts = [
    credentialId === undefined ? "the credentials" : `the credential ${credentialId}`,
    permissions && `for ${permissions}`,
    `of ${repoId ?? `the registry "${registry}"`}`,
    caller && `that ${caller.issuer} ${caller.subject} got`,
  ];
  return parts.filter(Boolean).join(" ");
}

/** Names each consumer of an access value, for use in a sentence. */
export function consumers(access: CrossAccountAccess): string {
  const names = rowsOf(access).map(([kind, name]) => `${kind} ${name}`);
  return names.length === 0 ? "nobody" : names.join(", ");
}

/** Shows who may pull. */
export function grants({ grants: values, unmanaged = [] }: CrossAccountPermissions): string {
  const rows = values.flatMap(rowsOf);
  const own = rows.length === 0 ? "Nobody else may pull.\n" : table(["KIND", "CONSUMER", "WORKERS"], rows);
  if (unmanaged.length === 0) return own;
  return `${own}\n${table(["STATEMENT OF OTHERS", "LETS IN", "FOR", "NOTE"], unmanaged.map(rowOfOthers))}`;
}

function rowOfOthers({ statement, principals, actions, conditional, unreadable }: Unmanaged): string[] {
  const notes = [...(conditional ? ["on a condition"] : []), ...(unreadable ? ["look at it: it says more"] : [])];
  return [statement, principals.join(", "), actions.join(", "), notes.join("; ") || "-"];
}

/** What a revocation could not do, or did beside it; undefined where there is nothing to say. */
export function stillIn({ leftOut = [], unmanaged = [] }: RevokedAccess): string | undefined {
  const statements = unmanaged.map(({ statement, region }) => (region ? `${statement} (${region})` : statement));
  const refused = leftOut.map(({ principal, region }) => `${principal} (${region})`);
  const sentences = [
    ...(statements.length > 0 ? [`Statements that others wrote still let them in: ${statements.join(", ")}.`] : []),
    ...(refused.length > 0 ? [`AWS refused others, who lost their access as well: ${refused.join(", ")}.`] : []),
  ];
  return sentences.length > 0 ? sentences.join(" ") : undefined;
}

/** Shows a list of repositories. */
export function repositoryTable(repositories: readonly RepositoryResponse[]): string {
  if (repositories.length === 0) return "There are no repositories that you may see.\n";
  const rows = repositories.map(({ name, uri, createdAt }) => [name, createdAt ?? "-", uri ?? "-"]);
  return table(["REPOSITORY", "CREATED", "URI"], rows);
}

/** Shows the images of a repository, the youngest first where the platform tells when they were pushed. */
export function imageTable(images: readonly Image[]): string {
  if (images.length === 0) return "There are no images.\n";
  const rows = images
    .toSorted((one, other) => (other.pushedAt ?? "").localeCompare(one.pushedAt ?? ""))
    .map(({ digest, tags, sizeBytes, pushedAt, lastPulledAt }) => [
      digest,
      tags.join(", ") || "-",
      sizeBytes === undefined ? "-" : inBytes(sizeBytes),
      pushedAt ?? "-",
      lastPulledAt ?? "-",
    ]);
  return table(["DIGEST", "TAGS", "SIZE", "PUSHED", "LAST PULLED"], rows);
}

/** A size for people. @example inBytes(4_214_503) // "4.2 MB" */
function inBytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = size === 0 ? 0 : Math.min(Math.floor(Math.log10(size) / 3), units.length - 1);
  return `${(size / 1000 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}

/** Shows what one consumer may pull. */
export function grantsOf(grantee: string, repositories: readonly GranteeAccess[]): string {
  const rows = repositories.flatMap(({ repoId, grants: values }) =>
    values.flatMap(rowsOf).map((row) => [repoId, ...row]),
  );
  if (rows.length === 0) return `${grantee} may pull nothing that you may see.\n`;
  return table(["REPOSITORY", "KIND", "CONSUMER", "WORKERS"], rows);
}

/** Workers act under the service of an account or project. A role or a service account stands only for itself. */
function rowsOf(access: CrossAccountAccess): [kind: string, name: string, workers: string][] {
  const worker = access.allowedServiceTypes.includes("worker");
  if (access.type === "gcp") {
    return [
      ...access.projectNumbers.map((name) => row("project", name, worker ? "yes" : "-")),
      ...access.serviceAccountEmails.map((name) => row("service account", name, "-")),
    ];
  }
  const regions = access.regions.length === 0 ? "any region" : access.regions.join(", ");
  return [
    ...access.accountIds.map((name) => row("account", name, worker ? regions : "-")),
    ...access.roleArns.map((name) => row("role", name, "-")),
  ];
}

function row(kind: string, name: string, workers: string): [string, string, string] {
  return [kind, name, workers];
}

/** Shows what `describe` answers. */
export function description({ service, capabilities, health, ...facts }: RegistryDescription): string {
  const { authMethod, scope, ttlSeconds } = capabilities.credentials;
  const lifetime = ttlSeconds && `, ${ttlSeconds.min} to ${ttlSeconds.max} seconds`;
  const main = pairs({
    Service: service,
    Endpoint: facts.registryEndpoint,
    Prefix: facts.upstreamRepositoryPrefix || "(none)",
    Credentials: `${authMethod}, for one ${scope}${lifetime ?? ""}`,
    Health: health.status,
  });
  const findings = health.findings.map(({ message, hint }) => [message, hint ?? ""]);
  const unsupported = Object.entries(capabilities.unsupported).map(([operation, { reason }]) => [operation, reason]);
  return [
    main,
    ...(findings.length === 0 ? [] : [table(["FINDING", "WHAT TO DO"], findings)]),
    ...(unsupported.length === 0 ? [] : [table(["NOT SUPPORTED", "REASON"], unsupported)]),
  ].join("\n");
}

/** Formats a cell of a table. The text comes padded. */
type Paint = (text: string) => string;

/** Formats rows in columns. Each column is as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[], paintOf: (row: number, column: number) => Paint): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[], index: number) =>
    row
      .map((cell, column) => {
        const last = column === row.length - 1;
        return paintOf(index, column)(last ? cell : cell.padEnd((widths[column] ?? 0) + 2));
      })
      .join("");
  return rows.map((row, index) => `${line(row, index).trimEnd()}\n`).join("");
}
