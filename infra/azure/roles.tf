# What the doors' identities may do to container registries (roles/doors.json): built-in roles for images, by the registry's
# mode, and custom roles for the rest, by concern (roles/permissions.json). Of these the public door has only those that the operations
# need that its rules allow (roles/operations.json).
locals {
  operations = jsondecode(file("${path.module}/roles/operations.json"))
  door_roles = {
    for door, roles in jsondecode(file("${path.module}/roles/doors.json")) : door => {
      for place, grants in roles : place => {
        for kind, names in grants : kind => [
          for name in names : name
          # A role stays where a wider one comes beside it: replaced by that one, it would be gone for the minutes that Azure takes for a new assignment.
          if door != "oidc" || !contains(local.oidc_lacks, name)
        ]
      }
    } if contains(keys(var.doors), door)
  }
  role_permissions = jsondecode(file("${path.module}/roles/permissions.json"))
  grantable        = jsondecode(file("${path.module}/roles/grantable.json"))
  # Of registries that are not there yet, the mode is not known for certain.
  group_modes = var.provisioned_registries.role_assignment_mode == null ? ["rbac", "rbac-abac"] : [var.provisioned_registries.role_assignment_mode]

  # Azure takes no condition on repositories for it: who lists a registry's catalog sees the names under every prefix.
  catalog_role = "Container Registry Repository Catalog Lister"

  registry_grants = merge(flatten([
    for door, roles in local.door_roles : [
      for name, registry in local.registries : merge(
        { for concern in roles.registry.concerns : "${door}/${name}/${concern}" => { door = door, scope = registry.id, concern = concern, role = null, prefix = "" } },
        { for role in roles.registry[registry.mode] : "${door}/${name}/${role}" => { door = door, scope = registry.id, concern = null, role = role, prefix = registry.mode == "rbac" || role == local.catalog_role ? "" : registry.prefix } },
      )
    ]
  ])...)
  group_grants = merge(flatten([
    for door, roles in local.door_roles : [
      for grants in concat([roles.group], var.derived_registries ? [roles.derived] : []) : merge(
        { for concern in grants.concerns : "${door}/${concern}" => { door = door, scope = local.registry_group_id, concern = concern, role = null, prefix = "" } },
        { for role in flatten([for mode in local.group_modes : grants[mode]]) : "${door}/${role}" => { door = door, scope = local.registry_group_id, concern = null, role = role, prefix = "" } },
      )
    ]
  ])...)
  grants = merge(local.registry_grants, local.group_grants)

  concerns = toset(compact(concat(
    values(local.grants)[*].concern,
    # Provisioning assigns it, on what it makes.
    contains(keys(var.doors), "provision") ? ["repositories"] : [],
  )))
  role_definition_ids = { for concern in local.concerns : concern => uuidv5("url", "${local.group_id}/${var.prefix}/roles/${concern}") }
  # The registries' own group first, so that a registry elsewhere does not make the roles anew.
  role_groups = distinct(concat([local.registry_group_id], sort(distinct(values(local.registries)[*].group_id))))
}

resource "azurerm_role_definition" "concern" {
  for_each = local.concerns

  role_definition_id = local.role_definition_ids[each.key]
  name               = "Artifact registry ${var.prefix} ${local.suffix}: ${replace(each.key, "_", " ")}"
  description        = "What the code of a function's door calls, and nothing else."
  scope              = local.role_groups[0]
  assignable_scopes  = local.role_groups

  permissions {
    actions = local.role_permissions[each.key]
  }
}

locals {
  # Who may assign roles could give itself any: only these, to the functions that mint, and to nobody else.
  grant_limit = templatefile("${path.module}/roles/grants.tftpl", {
    roles      = join(", ", concat(values(local.grantable), [for concern, id in local.role_definition_ids : id if concern == "repositories"]))
    principals = join(", ", [for door in local.minting_doors : azurerm_user_assigned_identity.door[door].principal_id])
  })

  # Where roles are for repositories, an identity reaches those under the registry's prefix alone.
  repository_limits = {
    for registry in values(local.registries) : registry.prefix => templatefile("${path.module}/roles/repositories.tftpl", { prefix = registry.prefix }) if registry.prefix != ""
  }
}

# Only when the function app is there, and so its authentication: until then whoever calls it could say to be anybody.
resource "azurerm_role_assignment" "registry" {
  for_each = local.grants

  scope                = each.value.scope
  role_definition_name = each.value.role
  role_definition_id   = each.value.concern == null ? null : azurerm_role_definition.concern[each.value.concern].role_definition_resource_id
  principal_id         = azurerm_user_assigned_identity.door[each.value.door].principal_id
  principal_type       = "ServicePrincipal"
  condition            = each.value.concern == "provisioning_grants" ? local.grant_limit : each.value.prefix == "" ? null : local.repository_limits[each.value.prefix]
  condition_version    = each.value.concern == "provisioning_grants" || each.value.prefix != "" ? "2.0" : null

  depends_on = [azapi_resource.door, azapi_update_resource.authentication]
}
