locals {
  settings = {
    for door in keys(var.doors) : door => {
      for name, value in merge(
        {
          ALIEN_DOOR                 = door
          ALIEN_REGISTRIES           = join(",", keys(var.registries))
          ALIEN_ACCESS_RULES_FILE    = var.access_rules_file
          ALIEN_ACCESS_RULES         = length(var.access_rules) == 0 ? null : jsonencode(local.access_rules)
          ALIEN_OIDC_ISSUERS         = door != "oidc" ? null : jsonencode(local.oidc_issuers)
          ALIEN_PLATFORM_TENANTS     = contains(local.authenticated_doors, door) ? local.tenant_id : null
          ALIEN_PLATFORM_ROLE        = lookup(local.roles_of_callers, door, null)
          ALIEN_STACK_PREFIX         = var.derived_registries ? var.prefix : null
          ALIEN_AZURE_RESOURCE_GROUP = local.registry_group
          ALIEN_AZURE_LOCATION       = var.location
          AZURE_SUBSCRIPTION_ID      = local.subscription_id
        },
        door != "events" ? {} : {
          ALIEN_EVENTS_QUEUE                    = local.setup_queue
          ALIEN_EVENTS__fullyQualifiedNamespace = local.queue_host
          ALIEN_EVENTS__credential              = "managedidentity"
          ALIEN_DEAD_LETTER_QUEUE_URL           = local.dead_letter_queue_url
        },
        door != "provision" ? {} : {
          ALIEN_SCOPE_MAP_ROLE_ID        = local.role_definition_ids["repositories"]
          ALIEN_ACR_SKU                  = var.provisioned_registries.sku
          ALIEN_ACR_ROLE_ASSIGNMENT_MODE = var.provisioned_registries.role_assignment_mode
        },
      ) : name => value if value != null && value != ""
    }
  }

  # Known only when the identities are there.
  identity_settings = {
    for door in keys(var.doors) : door => merge(
      {
        AZURE_CLIENT_ID                           = azurerm_user_assigned_identity.door[door].client_id
        AzureWebJobsStorage__clientId             = azurerm_user_assigned_identity.door[door].client_id
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "ClientId=${azurerm_user_assigned_identity.door[door].client_id};Authorization=AAD"
      },
      # Tokens of version 2.0 name the application by its client id.
      var.callers_verified_by != "function" || !contains(local.authenticated_doors, door) ? {} : {
        ALIEN_PLATFORM_AUDIENCE = azuread_application.door[door].client_id
      },
      door != "events" ? {} : { ALIEN_EVENTS__clientId = azurerm_user_assigned_identity.door[door].client_id },
      # Whom it assigns roles to, on what it makes.
      door != "provision" ? {} : {
        ALIEN_FUNCTION_PRINCIPAL_IDS = join(",", [for each in local.minting_doors : azurerm_user_assigned_identity.door[each].principal_id])
      },
    )
  }

  host_settings = {
    for door in keys(var.doors) : door => {
      AzureWebJobsStorage__accountName = azurerm_storage_account.account[door].name
      AzureWebJobsStorage__credential  = "managedidentity"
      # Else the host answers at the path that direct invocations go to.
      AzureWebJobsDisableHomepage = "true"
      # No secret: local authentication is off there, so that the identity has to have a role.
      APPLICATIONINSIGHTS_CONNECTION_STRING = nonsensitive(azurerm_application_insights.functions.connection_string)
    }
  }

  # Under the first key the tokens are sealed with which lists go on; the second is still read, so that a rotation ends no list.
  page_keys = [for number in [var.page_key_number, var.page_key_number - 1] : tostring(number)]

  app_settings = {
    for door in keys(var.doors) : door => merge(
      local.settings[door],
      !contains(local.minting_doors, door) ? {} : {
        ALIEN_PAGE_KEY = join(",", [for number in local.page_keys : random_bytes.page_key[number].base64])
      },
      { for name, registry in local.registries : registry.variable => local.bindings[name] },
      local.identity_settings[door],
      local.host_settings[door],
    )
  }

  # The same fields for each door: what is left out of a body, azapi leaves as it is.
  scale = {
    for name, door in var.doors : name => {
      instanceMemoryMB     = door.memory_mib
      maximumInstanceCount = door.max_instances
      alwaysReady = door.min_instances == 0 ? [] : [{
        name          = name == "events" ? "function:artifactRegistryQueue" : "http"
        instanceCount = door.min_instances
      }]
      triggers = door.concurrency == null ? null : { http = { perInstanceConcurrency = door.concurrency } }
    }
  }
}

resource "random_bytes" "page_key" {
  for_each = toset(local.page_keys)

  length = 32
}

# Of Flex Consumption each app has its own plan.
resource "azurerm_service_plan" "door" {
  for_each = var.doors

  name                = "${var.prefix}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = var.location
  os_type             = "Linux"
  sku_name            = "FC1"
  tags                = var.tags
}

# By azapi: azurerm always writes the setting AzureWebJobsStorage, as a key that the storage account does not have, or empty, which no plan
# leaves alone (its issues 29910 and 30732). One request has the package and all settings, so that they change together.
resource "azapi_resource" "door" {
  for_each = var.doors

  type      = "Microsoft.Web/sites@2024-11-01"
  name      = "${var.prefix}-${each.key}-${local.suffix}"
  parent_id = local.group_id
  location  = var.location
  tags      = var.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.door[each.key].id]
  }

  body = {
    kind = "functionapp,linux"
    properties = {
      serverFarmId        = azurerm_service_plan.door[each.key].id
      httpsOnly           = true
      publicNetworkAccess = "Enabled"
      # Said also where there is none.
      virtualNetworkSubnetId = var.network == null ? null : var.network.subnet_id

      functionAppConfig = {
        deployment = {
          storage = {
            type  = "blobContainer"
            value = time_sleep.package[each.key].triggers.container
            authentication = {
              type                           = "UserAssignedIdentity"
              userAssignedIdentityResourceId = azurerm_user_assigned_identity.door[each.key].id
            }
          }
        }
        runtime             = { name = "node", version = "24" }
        scaleAndConcurrency = local.scale[each.key]
      }

      siteConfig = {
        minTlsVersion    = "1.2"
        scmMinTlsVersion = "1.2"
        http20Enabled    = true
        ftpsState        = "Disabled"
        # Nobody calls the events door: it reads a queue.
        ipSecurityRestrictionsDefaultAction = each.key == "events" || length(each.value.ip_ranges) > 0 ? "Deny" : "Allow"
        ipSecurityRestrictions = [for index, range in each.value.ip_ranges : {
          name      = "range-${index}"
          action    = "Allow"
          ipAddress = range
          priority  = 100 + index
        }]
        # Nor does anybody deploy by it: the package is in the storage account.
        scmIpSecurityRestrictionsDefaultAction = "Deny"
        scmIpSecurityRestrictionsUseMain       = false

        appSettings = [for name, value in local.app_settings[each.key] : { name = name, value = value }]
      }
    }
  }

  response_export_values = ["properties.defaultHostName"]
  # Azure answers ids in a case of its own, as serverfarms.
  ignore_casing = true

  depends_on = [azurerm_role_assignment.own]
}

resource "azapi_update_resource" "no_deployment_password" {
  for_each = var.doors

  type      = "Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01"
  name      = "scm"
  parent_id = azapi_resource.door[each.key].id
  body      = { properties = { allow = false } }
}
