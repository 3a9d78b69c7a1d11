import * as v from "valibot";
import { serviceAccountEmail } from "../../core/schemas.ts";

/** A project's own name, as a part of regular expressions. */
export const projectPattern = "[a-z][a-z0-9-]{4,28}[a-z0-9]";
/** The domain in front of a domain-scoped project's name, as a part of regular expressions. */
export const domainPattern = "[a-z0-9][a-z0-9.-]*\\.[a-z]{2,}";

const projectId = v.pipe(
  v.string(),
  v.regex(new RegExp(`^(?:${domainPattern}:)?${projectPattern}$`), "must be a project id"),
);

const location = v.pipe(
  v.string(),
  v.regex(/^[a-z]+(?:-[a-z0-9]+)*$/, "must be a location, such as europe-west1 or us"),
);

/**
 * The id of a repository, or its whole resource name, which also says the project and the location. The ids with a dot are
 * those of the repositories that took the place of Container Registry.
 */
const repositoryName = v.pipe(
  v.string(),
  v.regex(
    /^(?:projects\/[^/]+\/locations\/[^/]+\/repositories\/)?(?:[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|(?:(?:us|eu|asia)\.)?gcr\.io)$/,
    "must be the id of an Artifact Registry repository, or projects/{project}/locations/{location}/repositories/{id}",
  ),
);

export const garBinding = v.pipe(
  v.strictObject({
    service: v.literal("gar"),
    /** Default: the project in `repositoryName`, or `GOOGLE_CLOUD_PROJECT`. */
    projectId: v.optional(projectId),
    /** Default: the location in `repositoryName`, or `GOOGLE_CLOUD_LOCATION`. */
    location: v.optional(location),
    repositoryName,
    /** The account for which pull credentials are minted. Without it none are minted. */
    pullServiceAccountEmail: v.optional(serviceAccountEmail),
    /** The account for which push credentials are minted. Without it none are minted. */
    pushServiceAccountEmail: v.optional(serviceAccountEmail),
  }),
  v.forward(
    v.check(
      // A token has all the rights of its account. With one account for both, pull credentials could push.
      ({ pullServiceAccountEmail: pull, pushServiceAccountEmail: push }) => pull === undefined || pull !== push,
      "must not be the account for pushes as well",
    ),
    ["pullServiceAccountEmail"],
  ),
);

export type GarBinding = v.InferOutput<typeof garBinding>;

export const isProjectId = (text: string): boolean => v.is(projectId, text);
export const isServiceAccount = (text: string): boolean => v.is(serviceAccountEmail, text);
export const isLocation = (text: string): boolean => v.is(location, text);
