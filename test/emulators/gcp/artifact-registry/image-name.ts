import type { Repository, RepositoryName } from "./repository.ts";

/** What a path of the distribution protocol names: a repository of Artifact Registry, and an image path in it. */
export interface ImageName {
  readonly repository: RepositoryName;
  readonly path: string;
}

/** `{project}/{repository}/{path}`; the domain of a domain-scoped project is a segment of its own. */
export function parseImageName(name: string, location: string): ImageName | undefined {
  const parts = name.split("/");
  const first = parts.shift() ?? "";
  const project = first.includes(".") ? `${first}:${parts.shift() ?? ""}` : first;
  const id = parts.shift() ?? "";
  if (project === "" || id === "" || parts.length === 0) return undefined;
  const full = `projects/${project}/locations/${location}/repositories/${id}`;
  return { repository: { name: full, project, location, id }, path: parts.join("/") };
}

export function imageName({ project, id }: Pick<Repository, "project" | "id">, path: string): string {
  return `${project.replace(":", "/")}/${id}/${path}`;
}
