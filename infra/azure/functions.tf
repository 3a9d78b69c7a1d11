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
      # Else the provider would put a connection string without a key there (its issue 29693).
      AzureWebJobsStorage              = ""
      AzureWebJobsStorage__accountName = azurerm_storage_account.account[door].name
      AzureWebJobsStorage__credential  = "managedidentity"
      # Else the host answers at the path that direct invocations go to.
      AzureWebJobsDisableHomepage = "true"
      # Another package is another setting, which starts the functions anew.
      PACKAGE_MD5 = data.archive_file.package.output_md5
    }
  }
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

resource "azurerm_function_app_flex_consumption" "door" {
  for_each = var.doors

  name                = "${var.prefix}-${each.key}-${local.suffix}"
  resource_group_name = var.resource_group_name
  location            = var.location
  service_plan_id     = azurerm_service_plan.door[each.key].id
  tags                = var.tags

  runtime_name           = "node"
  runtime_version        = "24"
  instance_memory_in_mb  = each.value.memory_mib
  maximum_instance_count = each.value.max_instances
  http_concurrency       = each.value.concurrency

  storage_container_type            = "blobContainer"
  storage_container_endpoint        = "${azurerm_storage_account.account[each.key].primary_blob_endpoint}${azurerm_storage_container.package[each.key].name}"
  storage_authentication_type       = "UserAssignedIdentity"
  storage_user_assigned_identity_id = azurerm_user_assigned_identity.door[each.key].id

  https_only                                     = true
  webdeploy_publish_basic_authentication_enabled = false

  app_settings = merge(
    local.settings[each.key],
    { for name, registry in local.registries : registry.variable => local.bindings[name] },
    local.identity_settings[each.key],
    local.host_settings[each.key],
  )

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.door[each.key].id]
  }

  dynamic "always_ready" {
    for_each = each.value.min_instances > 0 ? [each.value.min_instances] : []
    content {
      name           = each.key == "events" ? "function:artifactRegistryQueue" : "http"
      instance_count = always_ready.value
    }
  }

  site_config {
    application_insights_connection_string = azurerm_application_insights.functions.connection_string
    minimum_tls_version                    = "1.2"
    scm_minimum_tls_version                = "1.2"
    http2_enabled                          = true
    # Nobody calls the events door: it reads a queue.
    ip_restriction_default_action = each.key == "events" || length(each.value.ip_ranges) > 0 ? "Deny" : "Allow"
    # Nor does anybody deploy by it: the package is in the storage account.
    scm_ip_restriction_default_action = "Deny"

    dynamic "ip_restriction" {
      for_each = each.value.ip_ranges
      content {
        name       = "range-${ip_restriction.key}"
        action     = "Allow"
        ip_address = ip_restriction.value
        priority   = 100 + ip_restriction.key
      }
    }
  }

  # The oidc door verifies tokens itself, and must see them. So may the others.
  dynamic "auth_settings_v2" {
    for_each = var.callers_verified_by == "platform" && contains(local.authenticated_doors, each.key) ? [azuread_application.door[each.key].client_id] : []
    content {
      auth_enabled           = true
      require_authentication = true
      require_https          = true
      unauthenticated_action = "Return401"
      default_provider       = "azureactivedirectory"

      active_directory_v2 {
        client_id            = auth_settings_v2.value
        tenant_auth_endpoint = "https://login.microsoftonline.com/${local.tenant_id}/v2.0"
        allowed_audiences    = [auth_settings_v2.value, "api://${auth_settings_v2.value}"]
        allowed_identities   = sort(lookup(var.callers, each.key, []))
      }

      login {
        token_store_enabled = false
      }
    }
  }

  depends_on = [azurerm_role_assignment.own, azurerm_storage_blob.package]
}
