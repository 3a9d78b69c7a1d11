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
  # Whoever may do everything at the public door has every right there.
  access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = ["pull", "push-pull"] }]
  registries = {
    images = { registry_name = "acmeimages", repository_prefix = "images" }
    builds = { registry_name = "acmebuilds", resource_group_name = "acme-builds", repository_prefix = "builds", role_assignment_mode = "rbac-abac" }
  }
}

run "roles_on_registries" {
  command = plan

  variables {
    doors = { platform = {}, oidc = {}, events = {} }
  }

  assert {
    condition = sort([for key in keys(azurerm_role_assignment.registry) : key if startswith(key, "oidc/")]) == sort([
      "oidc/builds/Container Registry Repository Catalog Lister", "oidc/builds/Container Registry Repository Contributor", "oidc/builds/Container Registry Repository Reader",
      "oidc/builds/Container Registry Repository Writer", "oidc/builds/ownership", "oidc/builds/reading", "oidc/builds/creation", "oidc/builds/deletion",
      "oidc/images/AcrDelete", "oidc/images/AcrPull", "oidc/images/AcrPush", "oidc/images/ownership", "oidc/images/reading", "oidc/images/creation", "oidc/images/deletion",
      ]) && sort([for key in keys(azurerm_role_assignment.registry) : key if startswith(key, "platform/")]) == sort([
      "platform/builds/Container Registry Repository Catalog Lister", "platform/builds/Container Registry Repository Contributor", "platform/builds/repositories",
      "platform/images/AcrDelete", "platform/images/AcrPush", "platform/images/repositories",
    ])
    error_message = "A door for callers pulls, pushes and deletes, by the roles of the registry's mode, and makes scope maps."
  }
  assert {
    condition = sort([for key in keys(azurerm_role_assignment.registry) : key if startswith(key, "events/")]) == sort([
      "events/builds/Container Registry Repository Reader", "events/builds/setup", "events/images/AcrPull", "events/images/setup",
    ])
    error_message = "An event makes scope maps; it neither pushes nor deletes."
  }
  assert {
    condition = { for scope in distinct(values(azurerm_role_assignment.registry)[*].scope) : scope => true } == {
      "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-registries/providers/Microsoft.ContainerRegistry/registries/acmeimages" = true
      "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-builds/providers/Microsoft.ContainerRegistry/registries/acmebuilds"     = true
    }
    error_message = "Roles are on the container registry itself, and on nothing above it."
  }
  assert {
    condition = alltrue([for key, assignment in azurerm_role_assignment.registry :
      assignment.principal_type == "ServicePrincipal" && (startswith(element(split("/", key), 2), "Acr") || startswith(element(split("/", key), 2), "Container") ? assignment.role_definition_name == element(split("/", key), 2) : true)
    ])
    error_message = "Each assignment is of the role that it is named for, to an identity."
  }
  assert {
    condition = alltrue([for key, assignment in azurerm_role_assignment.registry :
      assignment.condition == templatefile("roles/repositories.tftpl", { prefix = "builds" }) && strcontains(assignment.condition, "StringStartsWith 'builds/'") && assignment.condition_version == "2.0"
      if strcontains(key, "builds/Container Registry Repository") && !endswith(key, "Catalog Lister")
    ])
    error_message = "Where roles are for repositories, an identity reaches those under the registry's prefix and no others."
  }
}

run "custom_roles" {
  command = plan

  variables {
    doors = { platform = {}, events = {}, provision = {} }
  }

  assert {
    condition     = alltrue([for concern, role in azurerm_role_definition.concern : toset(role.permissions[0].actions) == toset(jsondecode(file("roles/permissions.json"))[concern])])
    error_message = "Custom roles have what roles/permissions.json says."
  }
  assert {
    condition     = keys(azurerm_role_definition.concern) == ["provisioning", "provisioning_grants", "repositories", "setup"]
    error_message = "There are the roles that are needed, and no others."
  }
  assert {
    condition = alltrue([for role in values(azurerm_role_definition.concern) : role.assignable_scopes == tolist([
      "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-registries",
      "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-builds",
    ]) && role.scope == role.assignable_scopes[0]])
    error_message = "They can be assigned where registries are, and nowhere else."
  }
  assert {
    condition     = local.app_settings["provision"].ALIEN_SCOPE_MAP_ROLE_ID == azurerm_role_definition.concern["repositories"].role_definition_id
    error_message = "Provisioning assigns our own role for scope maps."
  }
}

run "without_provisioning" {
  command = plan

  assert {
    condition     = keys(azurerm_role_definition.concern) == ["repositories", "setup"]
    error_message = "Without the provision door there is no role that provisions."
  }
  assert {
    condition     = alltrue(flatten([for role in values(azurerm_role_definition.concern) : [for action in role.permissions[0].actions : !startswith(action, "Microsoft.Authorization/")]]))
    error_message = "Without the provision door nobody assigns roles."
  }
}

run "derived" {
  command = plan

  variables {
    registries             = {}
    derived_registries     = true
    provisioned_registries = { sku = "Premium", role_assignment_mode = "rbac-abac" }
    doors                  = { oidc = {}, events = {}, provision = {} }
  }

  assert {
    condition = sort(keys(azurerm_role_assignment.registry)) == sort([
      "events/Container Registry Repository Reader", "events/setup", "oidc/ownership",
      "provision/Container Registry Repository Catalog Lister", "provision/provisioning", "provision/provisioning_grants",
    ])
    error_message = "Who mints sees in the group what there is: provisioning gives it the rest, on what it makes."
  }
  assert {
    condition     = alltrue([for assignment in values(azurerm_role_assignment.registry) : assignment.scope == "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-registries"])
    error_message = "What is provisioned later is in the registries' group, and nobody works elsewhere."
  }
  assert {
    condition = (
      local.app_settings["oidc"].ALIEN_STACK_PREFIX == "acme"
      && local.app_settings["oidc"].ALIEN_AZURE_RESOURCE_GROUP == "acme-registries"
      && local.app_settings["oidc"].AZURE_SUBSCRIPTION_ID == "11111111-2222-3333-4444-555555555555"
      && local.app_settings["provision"].ALIEN_AZURE_LOCATION == "westeurope"
      && local.app_settings["provision"].ALIEN_ACR_SKU == "Premium"
      && local.app_settings["provision"].ALIEN_ACR_ROLE_ASSIGNMENT_MODE == "rbac-abac"
      && !contains(keys(local.app_settings["oidc"]), "ALIEN_REGISTRIES")
    )
    error_message = "The functions find registries by the stack's prefix, and provisioning knows what to make."
  }
}

run "of_any_mode" {
  command = plan

  variables {
    doors = { platform = {}, provision = {} }
  }

  assert {
    condition = sort([for key in keys(azurerm_role_assignment.registry) : key if startswith(key, "provision/")]) == sort([
      "provision/AcrPull", "provision/Container Registry Repository Catalog Lister", "provision/provisioning", "provision/provisioning_grants",
    ])
    error_message = "Where either mode may be, provisioning lists what is left by either's role; it uses no registry."
  }
}

run "applications" {
  command = plan

  variables {
    doors = { platform = {}, oidc = {}, events = {}, provision = {} }
    callers = {
      platform  = { pipeline = "aaaaaaaa-0000-4000-8000-000000000001", developer = "aaaaaaaa-0000-4000-8000-000000000002" }
      provision = { pipeline = "aaaaaaaa-0000-4000-8000-000000000001" }
    }
  }

  assert {
    condition     = keys(azuread_application.door) == ["platform", "provision"] && alltrue([for app in values(azuread_application.door) : app.sign_in_audience == "AzureADMyOrg" && app.api[0].requested_access_token_version == 2])
    error_message = "The doors that believe App Service have applications, of this tenant."
  }
  assert {
    condition = { for door, app in azuread_application.door : door => "${one(app.app_role).value} ${join(" ", one(app.app_role).allowed_member_types)}" } == {
      platform  = "ArtifactRegistry.Caller Application"
      provision = "ArtifactRegistry.Provisioner Application"
    }
    error_message = "Each application has one role, for applications."
  }
  assert {
    condition     = alltrue([for principal in values(azuread_service_principal.door) : principal.app_role_assignment_required])
    error_message = "Who was not assigned gets no token."
  }
  assert {
    condition = { for key, assignment in azuread_app_role_assignment.caller : key => assignment.principal_object_id } == {
      "platform/pipeline"  = "aaaaaaaa-0000-4000-8000-000000000001"
      "platform/developer" = "aaaaaaaa-0000-4000-8000-000000000002"
      "provision/pipeline" = "aaaaaaaa-0000-4000-8000-000000000001"
    }
    error_message = "Callers are assigned, and nobody else."
  }
  assert {
    condition     = alltrue([for key, assignment in azuread_app_role_assignment.caller : assignment.app_role_id == one(azuread_application.door[split("/", key)[0]].app_role).id])
    error_message = "A caller has the role of its own door."
  }
  assert {
    condition = alltrue(flatten([for settings in values(local.app_settings) : [
      for name in keys(settings) : !strcontains(upper(name), "WEBSITE_AUTH") && !strcontains(name, "PLATFORM_AUTHENTICATION")
    ]]))
    error_message = "Only App Service itself tells a function that it authenticates: no setting may."
  }
  assert {
    condition = (
      keys(azapi_update_resource.authentication) == ["platform", "provision"]
      && alltrue([for each in values(azapi_update_resource.authentication) : each.name == "authsettingsV2"])
    )
    error_message = "Authentication is on, and requires a token, at the doors that believe it."
  }
}

run "functions_that_verify_callers_themselves" {
  command = plan

  variables {
    doors               = { platform = {}, oidc = {}, events = {}, provision = {} }
    callers_verified_by = "function"
  }

  assert {
    condition     = keys(azapi_update_resource.authentication) == ["platform", "provision"]
    error_message = "The module says for each of these doors whether App Service authenticates: what it says no more, Azure would keep."
  }
  assert {
    condition     = sort(keys(azuread_application.door)) == sort(["platform", "provision"])
    error_message = "The doors have their applications all the same."
  }
}

# Last: OpenTofu can neither plan again nor take away what was applied with a mock provider; it leaves an errored_test.tfstate.
run "known_when_applied" {
  command = apply

  variables {
    doors   = { platform = {}, oidc = {}, events = {}, provision = {} }
    callers = { platform = { pipeline = "aaaaaaaa-0000-4000-8000-000000000001" } }
  }

  assert {
    condition = alltrue([for door, auth in azapi_update_resource.authentication :
      auth.parent_id == azapi_resource.door[door].id
      && auth.body.properties.platform.enabled
      && auth.body.properties.globalValidation.requireAuthentication
      && auth.body.properties.globalValidation.unauthenticatedClientAction == "Return401"
      && auth.body.properties.httpSettings.requireHttps
      && !auth.body.properties.login.tokenStore.enabled
      && auth.body.properties.identityProviders.azureActiveDirectory.enabled
      && auth.body.properties.identityProviders.azureActiveDirectory.registration.clientId == "cccccccc-0000-4000-8000-000000000001"
      && auth.body.properties.identityProviders.azureActiveDirectory.registration.openIdIssuer == "https://login.microsoftonline.com/99999999-8888-7777-6666-555555555555/v2.0"
      && jsonencode(auth.body.properties.identityProviders.azureActiveDirectory.validation.allowedAudiences) == jsonencode(["cccccccc-0000-4000-8000-000000000001", "api://cccccccc-0000-4000-8000-000000000001"])
    ])
    error_message = "App Service lets nobody through without a token of this tenant, for this application."
  }
  assert {
    condition     = jsonencode(azapi_update_resource.authentication["platform"].body.properties.identityProviders.azureActiveDirectory.validation.defaultAuthorizationPolicy) == jsonencode({ allowedPrincipals = { identities = ["aaaaaaaa-0000-4000-8000-000000000001"] } })
    error_message = "App Service lets callers through, and nobody else."
  }
  assert {
    condition     = alltrue([for settings in values(local.app_settings) : lookup(settings, "ALIEN_PLATFORM_AUDIENCE", "") == ""])
    error_message = "Where App Service authenticates, the functions do not."
  }
  assert {
    condition     = local.app_settings["provision"].ALIEN_FUNCTION_PRINCIPAL_IDS == "${azurerm_user_assigned_identity.door["oidc"].principal_id},${azurerm_user_assigned_identity.door["platform"].principal_id}"
    error_message = "The provision door knows who mints: neither the events door nor itself."
  }
  assert {
    condition = azurerm_role_assignment.registry["provision/provisioning_grants"].condition == templatefile("roles/grants.tftpl", {
      roles      = "c2f4ef07-c644-48eb-af81-4b1b4947fb11, 8311e382-0749-4cb8-b61a-304f252e45ec, bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7, 2efddaa5-3f1f-4df3-97df-af3f13818f4c, ${azurerm_role_definition.concern["repositories"].role_definition_id}"
      principals = "${azurerm_user_assigned_identity.door["oidc"].principal_id}, ${azurerm_user_assigned_identity.door["platform"].principal_id}"
    }) && azurerm_role_assignment.registry["provision/provisioning_grants"].condition_version == "2.0"
    error_message = "The provision door assigns roles for images to the functions that mint, and nothing else to anybody."
  }
  assert {
    condition = { for key, assignment in azurerm_role_assignment.own : key => assignment.role_definition_name } == {
      "events/dead-letters" = "Azure Service Bus Data Sender"
      "events/setup"        = "Azure Service Bus Data Receiver"
      "events/storage"      = "Storage Blob Data Owner"
      "events/telemetry"    = "Monitoring Metrics Publisher"
      "oidc/storage"        = "Storage Blob Data Owner"
      "oidc/telemetry"      = "Monitoring Metrics Publisher"
      "platform/storage"    = "Storage Blob Data Owner"
      "platform/telemetry"  = "Monitoring Metrics Publisher"
      "provision/storage"   = "Storage Blob Data Owner"
      "provision/telemetry" = "Monitoring Metrics Publisher"
    } && alltrue([for door in ["platform", "oidc", "events", "provision"] : azurerm_role_assignment.own["${door}/storage"].scope == azurerm_storage_account.account[door].id])
    error_message = "An identity has its own storage, writes telemetry, and for events reads one queue and writes another."
  }
  assert {
    condition = alltrue([for key, assignment in merge(azurerm_role_assignment.registry, azurerm_role_assignment.own) :
      assignment.principal_id == azurerm_user_assigned_identity.door[split("/", key)[0]].principal_id
    ])
    error_message = "Each door's roles are its own identity's."
  }
  assert {
    condition = (
      local.app_settings["platform"].AZURE_CLIENT_ID == azurerm_user_assigned_identity.door["platform"].client_id
      && local.app_settings["platform"].AzureWebJobsStorage__clientId == azurerm_user_assigned_identity.door["platform"].client_id
      && local.app_settings["platform"].APPLICATIONINSIGHTS_AUTHENTICATION_STRING == "ClientId=${azurerm_user_assigned_identity.door["platform"].client_id};Authorization=AAD"
    )
    error_message = "The function, its host and its telemetry work as its own identity."
  }
}

run "known_when_functions_verify" {
  command = apply

  variables {
    doors               = { platform = {}, oidc = {}, events = {}, provision = {} }
    callers_verified_by = "function"
  }

  assert {
    condition = { for door, settings in local.app_settings : door => lookup(settings, "ALIEN_PLATFORM_AUDIENCE", "") } == {
      events = "", oidc = "", platform = "cccccccc-0000-4000-8000-000000000001", provision = "cccccccc-0000-4000-8000-000000000001"
    }
    error_message = "The doors for callers are told whom their tokens must be for, and the others are not."
  }
  assert {
    condition = alltrue([for auth in values(azapi_update_resource.authentication) :
      !auth.body.properties.platform.enabled && !auth.body.properties.globalValidation.requireAuthentication
    ])
    error_message = "App Service does not authenticate where the functions do, also where it did so before."
  }
}
