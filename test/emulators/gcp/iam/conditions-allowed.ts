/**
 * What Google documents about conditions, as allow-lists: what is not named here is refused, or holds for nothing. Services
 * are written as permissions begin. All three were read on 30 November 2026.
 */

/**
 * Services whose resources accept conditional role bindings in their own policies. Artifact Registry and Pub/Sub are not
 * among them. Conditions on resource tags are documented for every resource instead, and for repositories in particular
 * (https://docs.cloud.google.com/artifact-registry/docs/repositories/tag-repos).
 *
 * "Services that allow conditional role bindings":
 * https://docs.cloud.google.com/iam/docs/resource-types-with-conditional-roles
 */
export const acceptsConditions: ReadonlySet<string> = new Set([
  "bigtable",
  "binaryauthorization",
  "bigquery",
  "privateca",
  "beyondcorp",
  "clouddeploy",
  "cloudkms",
  "logging",
  "run",
  "storage",
  "workstations",
  "compute",
  "dataproc",
  "iap",
  "iam",
  "resourcemanager",
  "secretmanager",
  "servicemanagement",
  "spanner",
]);

/**
 * Services that recognise `iam.googleapis.com/modifiedGrantsByRole`. Only the policies of projects, folders and
 * organisations accept a condition on it.
 *
 * "IAM API attributes":
 * https://docs.cloud.google.com/iam/docs/conditions-attribute-reference#iam-api-attributes
 */
export const knowsModifiedGrants: ReadonlySet<string> = new Set([
  "apigateway",
  "automl",
  "privateca",
  "cloudfunctions",
  "healthcare",
  "cloudkms",
  "run",
  "runtimeconfig",
  "storage",
  "compute",
  "containeranalysis",
  "dataproc",
  "earthengine",
  "gameservices",
  "iam",
  "iap",
  "managedidentities",
  "notebooks",
  "resourcemanager",
  "secretmanager",
  "servicemanagement",
]);

/**
 * Services whose resources have the attribute `resource.name`. None of those that are emulated is among them.
 *
 * "resource.name attribute":
 * https://docs.cloud.google.com/iam/docs/conditions-attribute-reference#resource-name
 */
export const knowsResourceName: ReadonlySet<string> = new Set([
  "apigee",
  "integrations",
  "apihub",
  "backupdr",
  "bigquery",
  "bigtable",
  "binaryauthorization",
  "clouddeploy",
  "ces",
  "cloudkms",
  "logging",
  "networksecurity",
  "cloudsql",
  "storage",
  "compute",
  "container",
  "datastore",
  "dataform",
  "connectors",
  "managedkafka",
  "parametermanager",
  "pubsublite",
  "secretmanager",
  "spanner",
]);
