# The doors that believe App Service authentication: each has an application of its own, so that a token for one opens no other,
# and Entra makes tokens only for callers that have its role.
locals {
  platform_authenticates = var.callers_verified_by == "platform"
  roles_of_callers       = { platform = "ArtifactRegistry.Caller", provision = "ArtifactRegistry.Provisioner" }
  authenticated_doors    = toset([for door in keys(var.doors) : door if contains(keys(local.roles_of_callers), door)])
  # The same whoever applies.
  role_ids = { for door in local.authenticated_doors : door => uuidv5("url", "${local.group_id}/${var.prefix}/${door}") }
  callers = merge([
    for door, ids in var.callers : { for key, id in ids : "${door}/${key}" => { door = door, id = id } }
  ]...)
}

resource "azuread_application" "door" {
  for_each = local.authenticated_doors

  display_name     = "Artifact registry ${var.prefix}: ${each.key}"
  sign_in_audience = "AzureADMyOrg"

  api {
    requested_access_token_version = 2
  }

  app_role {
    id                   = local.role_ids[each.key]
    value                = local.roles_of_callers[each.key]
    display_name         = local.roles_of_callers[each.key]
    description          = each.key == "provision" ? "Provisions artifact registries." : "Calls the artifact registry. What it may do there, its access rules say."
    allowed_member_types = ["Application"]
  }

  lifecycle {
    ignore_changes = [identifier_uris]
  }
}

resource "azuread_application_identifier_uri" "door" {
  for_each = local.authenticated_doors

  application_id = azuread_application.door[each.key].id
  identifier_uri = "api://${azuread_application.door[each.key].client_id}"
}

resource "azuread_service_principal" "door" {
  for_each = local.authenticated_doors

  client_id                    = azuread_application.door[each.key].client_id
  app_role_assignment_required = true
}

resource "azuread_app_role_assignment" "caller" {
  for_each = local.callers

  app_role_id         = local.role_ids[each.value.door]
  principal_object_id = each.value.id
  resource_object_id  = azuread_service_principal.door[each.value.door].object_id
}

# The oidc door verifies tokens itself, and must see them. So may the others: then authentication is said to be off, since Azure keeps what
# the module said before.
resource "azapi_update_resource" "authentication" {
  for_each = local.authenticated_doors

  type      = "Microsoft.Web/sites/config@2024-11-01"
  name      = "authsettingsV2"
  parent_id = azapi_resource.door[each.key].id
  # Azure answers the provider's name in a case of its own.
  ignore_casing = true

  body = {
    properties = {
      platform = { enabled = local.platform_authenticates }
      globalValidation = {
        requireAuthentication       = local.platform_authenticates
        unauthenticatedClientAction = local.platform_authenticates ? "Return401" : "AllowAnonymous"
        redirectToProvider          = "azureactivedirectory"
      }
      httpSettings = { requireHttps = true }
      identityProviders = {
        azureActiveDirectory = {
          enabled = true
          registration = {
            clientId     = azuread_application.door[each.key].client_id
            openIdIssuer = "https://login.microsoftonline.com/${local.tenant_id}/v2.0"
          }
          validation = {
            allowedAudiences           = [azuread_application.door[each.key].client_id, "api://${azuread_application.door[each.key].client_id}"]
            defaultAuthorizationPolicy = { allowedPrincipals = { identities = sort(values(lookup(var.callers, each.key, {}))) } }
          }
        }
      }
      login = { tokenStore = { enabled = false } }
    }
  }
}
