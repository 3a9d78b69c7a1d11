locals {
  minting_doors   = sort(setintersection(keys(var.doors), ["platform", "oidc", "invoke"]))
  mints           = length(local.minting_doors) > 0
  account_domain  = local.account_domains[var.project_id]
  function_emails = { for door in keys(var.doors) : door => "${var.prefix}-${door}@${local.account_domain}" }
  build_email     = "${var.prefix}-build@${local.account_domain}"
  trigger_email   = "${var.prefix}-trigger@${local.account_domain}"
}

# One account per door, with what its code calls and nothing else.
resource "google_service_account" "function" {
  for_each = var.doors

  project      = var.project_id
  account_id   = "${var.prefix}-${each.key}"
  display_name = "Artifact registry ${var.prefix}: the ${each.key} door"

  depends_on = [google_project_service.needed]
}

# Each credential is a token of one of these.
resource "google_service_account" "minting" {
  for_each = { for key, account in local.minting_accounts : key => account if local.mints && account.made }

  project      = each.value.project
  account_id   = each.value.id
  display_name = "Artifact registry ${var.prefix}: credentials of ${each.value.registry} to ${each.value.kind}"
  # The mark by which provisionRegistry knows a registry's accounts.
  description = "${each.value.kind == "pull" ? "Pulls from" : "Pushes to"} an artifact registry. alien-artifact-registry=${local.registries[each.value.registry].location}/${local.registries[each.value.registry].repository}"

  depends_on = [google_project_service.needed]
}

# Never a whole binding or policy: the grants to consumers stand in the same ones.
resource "google_artifact_registry_repository_iam_member" "minting" {
  for_each = local.mints ? local.minting_accounts : {}

  project    = local.registries[each.value.registry].project
  location   = local.registries[each.value.registry].location
  repository = local.registries[each.value.registry].repository
  role       = each.value.kind == "pull" ? "roles/artifactregistry.reader" : "roles/artifactregistry.writer"
  member     = "serviceAccount:${each.value.email}"

  depends_on = [google_service_account.minting]
}
