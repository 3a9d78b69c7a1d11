# A resource tag marks the registries that were provisioned at run time. Their rights are bound on their project, since they are not
# there yet when this is applied, and count only where the tag is: it is the one condition that Artifact Registry documents.
locals {
  tag_key   = "${var.prefix}-registries"
  tag_value = "provisioned"
  # Known when planning, unlike the ids. A key of a project goes by that project's id.
  tag_condition = "resource.matchTag('${local.registry_project}/${local.tag_key}', '${local.tag_value}')"
}

resource "google_tags_tag_key" "registries" {
  count = var.derived_registries ? 1 : 0

  parent      = "projects/${local.registry_project}"
  short_name  = local.tag_key
  description = "Registries of the artifact registry ${var.prefix}."

  depends_on = [google_project_service.needed]
}

resource "google_tags_tag_value" "provisioned" {
  count = var.derived_registries ? 1 : 0

  parent      = google_tags_tag_key.registries[0].id
  short_name  = local.tag_value
  description = "Made by provisionRegistry: the functions of ${var.prefix} may work on it."
}

# Who may attach the tag opens a repository to the functions.
resource "google_tags_tag_value_iam_member" "function" {
  for_each = local.tag_grants

  tag_value = google_tags_tag_value.provisioned[0].id
  role      = local.role_names["${local.registry_project}/${each.value.concern}"]
  member    = "serviceAccount:${local.function_emails[each.value.door]}"

  depends_on = [google_project_iam_custom_role.concern, google_service_account.function]
}
