mock_provider "azurerm" {
  source = "./tests/mocks/azurerm"
}

mock_provider "azuread" {
  source = "./tests/mocks/azuread"
}

mock_provider "azapi" {
  source = "./tests/mocks/azapi"
}

mock_provider "archive" {
  source = "./tests/mocks/archive"
}

mock_provider "time" {}

mock_provider "random" {}

variables {
  resource_group_name          = "acme-functions"
  registry_resource_group_name = "acme-registries"
  location                     = "westeurope"
  prefix                       = "acme"
  package_path                 = "../../dist/azure"
  oidc_issuers                 = [{ issuer = "https://token.example", audience = "acme" }]
  registries                   = { images = { registry_name = "acmeimages", login_server = "acmeimages.azurecr.io" } }
}

run "every_door" {
  command = plan

  variables {
    doors = {
      platform  = { min_instances = 2, ip_ranges = ["203.0.113.0/24", "2001:db8::/32"] }
      oidc      = { memory_mib = 512, concurrency = 16 }
      events    = { min_instances = 1 }
      provision = { max_instances = 45 }
    }
    callers = { platform = { pipeline = "aaaaaaaa-0000-4000-8000-000000000001" } }
  }

  assert {
    condition     = keys(azapi_resource.door) == ["events", "oidc", "platform", "provision"]
    error_message = "Each door that is wanted is a function app of its own."
  }
  assert {
    condition     = alltrue([for app in values(azapi_resource.door) : app.body.properties.functionAppConfig.runtime == { name = "node", version = "24" }])
    error_message = "Functions run under Node.js 24."
  }
  assert {
    condition     = alltrue([for door, app in azapi_resource.door : contains(app.body.properties.siteConfig.appSettings, { name = "ALIEN_DOOR", value = door })])
    error_message = "A function knows its door."
  }
  assert {
    condition = (
      length(distinct(values(azurerm_user_assigned_identity.door)[*].name)) == 4
      && azurerm_user_assigned_identity.door["oidc"].name == "acme-oidc"
      && length(distinct(values(azurerm_service_plan.door)[*].name)) == 4
      && alltrue([for plan in values(azurerm_service_plan.door) : plan.sku_name == "FC1" && plan.os_type == "Linux"])
    )
    error_message = "Each door has an identity and a Flex Consumption plan of its own."
  }
  assert {
    condition = (
      local.scale["oidc"].instanceMemoryMB == 512
      && local.scale["oidc"].triggers.http.perInstanceConcurrency == 16
      && local.scale["provision"].maximumInstanceCount == 45
      && jsonencode(local.scale["platform"].alwaysReady) == jsonencode([{ name = "http", instanceCount = 2 }])
      && jsonencode(local.scale["events"].alwaysReady) == jsonencode([{ name = "function:artifactRegistryQueue", instanceCount = 1 }])
      && length(local.scale["oidc"].alwaysReady) == 0
      && local.scale["platform"].triggers == null
      && alltrue([for door, app in azapi_resource.door : jsonencode(app.body.properties.functionAppConfig.scaleAndConcurrency) == jsonencode(local.scale[door])])
    )
    error_message = "Doors are sized one by one."
  }
  assert {
    condition = { for door, app in azapi_resource.door : door => app.body.properties.siteConfig.ipSecurityRestrictionsDefaultAction } == {
      events    = "Deny"
      oidc      = "Allow"
      platform  = "Deny"
      provision = "Allow"
    }
    error_message = "Nobody calls the events door, and a door with ranges only from there."
  }
  assert {
    condition = (
      [for rule in azapi_resource.door["platform"].body.properties.siteConfig.ipSecurityRestrictions : "${rule.priority} ${rule.action} ${rule.ipAddress}"] == ["100 Allow 203.0.113.0/24", "101 Allow 2001:db8::/32"]
      && length(azapi_resource.door["events"].body.properties.siteConfig.ipSecurityRestrictions) == 0
    )
    error_message = "Ranges are let in, and nothing else."
  }
  assert {
    condition = alltrue([for door, app in azapi_resource.door :
      app.body.properties.httpsOnly
      && app.body.properties.siteConfig.minTlsVersion == "1.2"
      && app.body.properties.siteConfig.scmIpSecurityRestrictionsDefaultAction == "Deny"
      && !app.body.properties.siteConfig.scmIpSecurityRestrictionsUseMain
      && app.body.properties.siteConfig.ftpsState == "Disabled"
      && azapi_update_resource.no_deployment_password[door].name == "scm"
      && !azapi_update_resource.no_deployment_password[door].body.properties.allow
    ])
    error_message = "Functions speak TLS, and nobody deploys by a password."
  }
  assert {
    condition = { for door, settings in local.app_settings : door => settings.ALIEN_PLATFORM_ROLE if contains(keys(settings), "ALIEN_PLATFORM_ROLE") } == {
      platform  = "ArtifactRegistry.Caller"
      provision = "ArtifactRegistry.Provisioner"
    }
    error_message = "Callers of each authenticated door have a role of its own."
  }
  assert {
    condition = alltrue([for door in ["platform", "provision"] :
      local.app_settings[door].ALIEN_PLATFORM_TENANTS == "99999999-8888-7777-6666-555555555555"
    ])
    error_message = "Only this tenant's callers count."
  }
  assert {
    condition     = [for door, settings in local.app_settings : door if contains(keys(settings), "ALIEN_OIDC_ISSUERS")] == ["oidc"]
    error_message = "Only the oidc door knows issuers."
  }
  assert {
    condition = alltrue([for name in ["ALIEN_EVENTS_QUEUE", "ALIEN_EVENTS__fullyQualifiedNamespace", "ALIEN_EVENTS__credential", "ALIEN_EVENTS__clientId", "ALIEN_DEAD_LETTER_QUEUE_URL"] :
      [for door, settings in local.app_settings : door if contains(keys(settings), name)] == ["events"]
    ])
    error_message = "Only the events door knows queues."
  }
  assert {
    condition = alltrue([for name in ["ALIEN_FUNCTION_PRINCIPAL_IDS", "ALIEN_SCOPE_MAP_ROLE_ID"] :
      [for door, settings in local.app_settings : door if contains(keys(settings), name)] == ["provision"]
    ])
    error_message = "Only the provision door knows who else works on registries."
  }
  assert {
    condition     = alltrue([for door, app in azapi_resource.door : app.name == "acme-${door}-${local.suffix}" && app.location == "westeurope" && app.body.kind == "functionapp,linux"])
    error_message = "A function app has a name that nobody else has."
  }
}

run "storage" {
  command = plan

  variables {
    doors = { platform = {}, oidc = {}, events = {}, provision = {} }
  }

  assert {
    condition = alltrue([for account in values(azurerm_storage_account.account) :
      !account.shared_access_key_enabled && !account.allow_nested_items_to_be_public && !account.local_user_enabled && account.https_traffic_only_enabled && account.min_tls_version == "TLS1_2"
    ])
    error_message = "No storage account has keys, and nothing in it is public."
  }
  assert {
    condition = (
      length(distinct(values(azurerm_storage_account.account)[*].name)) == 5
      && alltrue([for account in values(azurerm_storage_account.account) : can(regex("^[a-z0-9]{3,24}$", account.name))])
    )
    error_message = "Each door has a storage account of its own: who writes its package becomes the door."
  }
  assert {
    condition     = alltrue([for container in concat(values(azurerm_storage_container.package), azurerm_storage_container.undelivered) : container.container_access_type == "private"])
    error_message = "Containers are private."
  }
  assert {
    condition = alltrue([for door in keys(var.doors) :
      local.app_settings[door].AzureWebJobsStorage__credential == "managedidentity"
      && local.app_settings[door].AzureWebJobsStorage__accountName == azurerm_storage_account.account[door].name
      && !contains(keys(local.app_settings[door]), "AzureWebJobsStorage")
    ])
    error_message = "Functions reach their own storage by their identity, and no setting is empty or a key."
  }
}

run "by_default" {
  command = plan

  assert {
    condition     = keys(azapi_resource.door) == ["events", "platform"]
    error_message = "Neither the public door nor provisioning is deployed by default."
  }
  assert {
    condition = (
      local.scale["platform"].maximumInstanceCount == 40
      && length(local.scale["platform"].alwaysReady) == 0
    )
    error_message = "Functions go to nothing when nobody calls, and are bounded."
  }
  assert {
    condition     = azurerm_log_analytics_workspace.logs.retention_in_days == 90 && azurerm_application_insights.functions.local_authentication_enabled == false
    error_message = "The functions' logs are kept for 90 days, and nobody writes them by a key."
  }
  assert {
    condition     = alltrue([for alert in values(azurerm_monitor_metric_alert.alert) : length(alert.action) == 0])
    error_message = "Without action groups alerts tell nobody."
  }
}

run "tags_and_logs" {
  command = plan

  variables {
    tags               = { team = "acme" }
    log_retention_days = 30
  }

  assert {
    condition = alltrue([for tags in concat(
      values(azapi_resource.door)[*].tags,
      values(azurerm_service_plan.door)[*].tags,
      values(azurerm_storage_account.account)[*].tags,
      values(azurerm_user_assigned_identity.door)[*].tags,
      values(azurerm_monitor_metric_alert.alert)[*].tags,
      azurerm_servicebus_namespace.events[*].tags,
      azurerm_eventgrid_topic.setup[*].tags,
      azurerm_user_assigned_identity.topic[*].tags,
      [azurerm_application_insights.functions.tags, azurerm_log_analytics_workspace.logs.tags],
    ) : tags == tomap({ team = "acme" })])
    error_message = "Everything that has tags has these."
  }
  assert {
    condition     = azurerm_log_analytics_workspace.logs.retention_in_days == 30
    error_message = "Logs are kept as long as is said."
  }
}

run "alerts" {
  command = plan

  variables {
    doors            = { oidc = {}, events = {} }
    action_group_ids = ["/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-ops/providers/Microsoft.Insights/actionGroups/on-call"]
  }

  assert {
    condition     = keys(azurerm_monitor_metric_alert.alert) == ["backlog", "dead-letters", "dropped", "oidc-errors", "oidc-throttles", "undelivered"]
    error_message = "Functions have alerts for errors and throttles, queues and topic for what they hold and lose."
  }
  assert {
    condition     = alltrue([for alert in values(azurerm_monitor_metric_alert.alert) : one(alert.action).action_group_id == "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-ops/providers/Microsoft.Insights/actionGroups/on-call"])
    error_message = "Alerts go to the action groups."
  }
  assert {
    condition     = alltrue([for alert in values(azurerm_monitor_metric_alert.alert) : alert.criteria[0].operator == "GreaterThan" && alert.criteria[0].threshold == 0])
    error_message = "One is enough."
  }
  assert {
    condition = {
      for dimension in azurerm_monitor_metric_alert.alert["oidc-errors"].criteria[0].dimension : dimension.name => dimension.values
      } == {
      "cloud/roleName"     = tolist([azapi_resource.door["oidc"].name])
      "request/resultCode" = tolist(["500", "502", "503", "504"])
    }
    error_message = "Errors are counted by door, and what is not supported is none."
  }
  assert {
    condition = { for name in ["dead-letters", "backlog"] : name => "${azurerm_monitor_metric_alert.alert[name].criteria[0].aggregation} ${azurerm_monitor_metric_alert.alert[name].criteria[0].metric_name} ${join(" ", one(azurerm_monitor_metric_alert.alert[name].criteria[0].dimension).values)}" } == {
      dead-letters = "Maximum ActiveMessages dead-letters"
      backlog      = "Minimum ActiveMessages setup"
    }
    error_message = "A single dead letter is told at once, waiting events when they do not get fewer."
  }
  assert {
    condition     = alltrue([for name in ["undelivered", "dropped"] : length(azurerm_monitor_metric_alert.alert[name].criteria[0].dimension) == 0 && azurerm_monitor_metric_alert.alert[name].criteria[0].metric_namespace == "Microsoft.EventGrid/topics"])
    error_message = "What the topic loses is told."
  }
}

run "keys_of_lists" {
  # The keys are made when it is applied.
  command = apply

  variables {
    doors           = { platform = {}, oidc = {}, events = {}, provision = {} }
    page_key_number = 3
  }

  assert {
    condition     = keys(random_bytes.page_key) == ["2", "3"]
    error_message = "There is the key, and the one before it."
  }
  assert {
    condition     = alltrue([for door in ["platform", "oidc"] : local.app_settings[door].ALIEN_PAGE_KEY == "${random_bytes.page_key["3"].base64},${random_bytes.page_key["2"].base64}"])
    error_message = "The doors for callers seal under the newer key, and read the older one."
  }
  assert {
    condition     = alltrue([for door in ["events", "provision"] : !contains(keys(local.app_settings[door]), "ALIEN_PAGE_KEY")])
    error_message = "Whoever lists nothing has no key."
  }
}
