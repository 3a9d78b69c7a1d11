# What the doors' accounts may do: custom roles by concern (roles/permissions.json), by door and by what they are bound on
# (roles/doors.json). Of these a door has only those that the operations need that its rules allow (roles/operations.json), so that no
# door may write policies which lets nobody edit grants. A custom role counts in its own project only.
locals {
  operations = jsondecode(file("${path.module}/roles/operations.json"))
  door_roles = {
    for door, roles in jsondecode(file("${path.module}/roles/doors.json")) : door => {
      for place, concerns in roles : place => [
        # What is derived is known by its label: every operation asks for it first.
        for concern in concerns : concern if !contains(local.door_lacks[door], concern) || (place == "derived" && concern == "registry")
      ]
    } if contains(keys(var.doors), door)
  }
  role_permissions = jsondecode(file("${path.module}/roles/permissions.json"))
  grantable        = jsondecode(file("${path.module}/roles/grantable.json"))

  # Whoever may write a policy could give itself any role. On service accounts Google knows which roles a change is about, and only these
  # pass. Artifact Registry does not know: under such a condition every change would be refused, so there is none on repositories.
  grant_limits = {
    for concern, roles in local.grantable : concern =>
    "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", [for role in roles : "'${role}'"])}])"
  }

  repository_grants = merge(flatten([
    for door, roles in local.door_roles : [
      for name, registry in local.registries : {
        for concern in roles.repository : "${door}/${name}/${concern}" => { door = door, registry = registry, concern = concern }
      }
    ]
  ])...)
  account_grants = merge(flatten([
    for door, roles in local.door_roles : [
      for key, account in local.minting_accounts : {
        for concern in roles.account : "${door}/${key}/${concern}" => { door = door, account = account, concern = concern }
        # Who lets nobody push needs no push account.
        if account.kind == "pull" || contains(local.door_needs[door], "push-pull")
      }
    ]
  ])...)
  project_grants = merge(flatten([
    for door, roles in local.door_roles : [
      for place in concat(["project"], var.derived_registries ? ["derived", "tagged"] : []) : {
        for concern in roles[place] : "${door}/${concern}" => {
          door      = door
          concern   = concern
          condition = place == "tagged" ? "tagged_registries_only" : contains(keys(local.grant_limits), concern) ? "grants_minting_only" : null
        }
      }
    ]
  ])...)
  tag_grants = merge([
    for door, roles in local.door_roles : { for concern in roles.tag : "${door}/${concern}" => { door = door, concern = concern } if var.derived_registries }
  ]...)

  roles = {
    for key in distinct(concat(
      [for grant in values(local.repository_grants) : "${grant.registry.project}/${grant.concern}"],
      [for grant in values(local.account_grants) : "${grant.account.project}/${grant.concern}"],
      [for grant in concat(values(local.project_grants), values(local.tag_grants)) : "${local.registry_project}/${grant.concern}"],
    )) : key => { project = split("/", key)[0], concern = split("/", key)[1] }
  }
  role_names = { for key, role in local.roles : key => "projects/${role.project}/roles/${replace(var.prefix, "-", "_")}_${role.concern}" }
}

resource "google_project_iam_custom_role" "concern" {
  for_each = local.roles

  project     = each.value.project
  role_id     = "${replace(var.prefix, "-", "_")}_${each.value.concern}"
  title       = "Artifact registry ${var.prefix}: ${replace(each.value.concern, "_", " ")}"
  description = "What the code of a function's door calls, and nothing else."
  permissions = local.role_permissions[each.value.concern]

  depends_on = [google_project_service.needed]
}

resource "google_artifact_registry_repository_iam_member" "function" {
  for_each = local.repository_grants

  project    = each.value.registry.project
  location   = each.value.registry.location
  repository = each.value.registry.repository
  role       = local.role_names["${each.value.registry.project}/${each.value.concern}"]
  member     = "serviceAccount:${local.function_emails[each.value.door]}"

  depends_on = [google_project_iam_custom_role.concern, google_service_account.function]
}

resource "google_service_account_iam_member" "function" {
  for_each = local.account_grants

  service_account_id = "projects/${each.value.account.project}/serviceAccounts/${each.value.account.email}"
  role               = local.role_names["${each.value.account.project}/${each.value.concern}"]
  member             = "serviceAccount:${local.function_emails[each.value.door]}"

  depends_on = [google_project_iam_custom_role.concern, google_service_account.function, google_service_account.minting]
}

# What is provisioned at run time is not there yet: it can be opened on its project only, in which nothing else is. Looking at a repository,
# which proves whose it is, goes without the tag, so that one that is missing is not taken for one that is closed.
resource "google_project_iam_member" "function" {
  for_each = local.project_grants

  project = local.registry_project
  role    = local.role_names["${local.registry_project}/${each.value.concern}"]
  member  = "serviceAccount:${local.function_emails[each.value.door]}"

  dynamic "condition" {
    for_each = each.value.condition[*]
    content {
      title      = condition.value
      expression = condition.value == "tagged_registries_only" ? local.tag_condition : local.grant_limits[each.value.concern]
    }
  }

  depends_on = [google_project_iam_custom_role.concern, google_service_account.function, google_tags_tag_value.provisioned]
}
