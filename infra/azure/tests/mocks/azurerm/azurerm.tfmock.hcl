# Ids in the form that Azure gives them: the real provider looks at the form wherever one is passed on.
mock_data "azurerm_client_config" {
  defaults = {
    subscription_id = "11111111-2222-3333-4444-555555555555"
    tenant_id       = "99999999-8888-7777-6666-555555555555"
  }
}

mock_resource "azurerm_user_assigned_identity" {
  defaults = {
    id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.ManagedIdentity/userAssignedIdentities/acme"
  }
}

mock_resource "azurerm_service_plan" {
  defaults = {
    id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Web/serverFarms/acme"
  }
}

mock_resource "azurerm_storage_account" {
  defaults = {
    id                    = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Storage/storageAccounts/acme"
    primary_blob_endpoint = "https://acme.blob.core.windows.net/"
  }
}

mock_resource "azurerm_storage_container" {
  defaults = {
    id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Storage/storageAccounts/acme/blobServices/default/containers/acme"
  }
}

mock_resource "azurerm_storage_blob" {
  defaults = {
    id = "https://acme.blob.core.windows.net/package/released-package.zip"
  }
}

mock_resource "azurerm_log_analytics_workspace" {
  defaults = {
    id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.OperationalInsights/workspaces/acme"
  }
}

mock_resource "azurerm_application_insights" {
  defaults = {
    id                = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Insights/components/acme"
    connection_string = "InstrumentationKey=00000000-0000-0000-0000-000000000000"
  }
}

mock_resource "azurerm_servicebus_namespace" {
  defaults = {
    id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.ServiceBus/namespaces/acme"
  }
}

mock_resource "azurerm_eventgrid_topic" {
  defaults = {
    id       = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.EventGrid/topics/acme"
    endpoint = "https://acme.westeurope-1.eventgrid.azure.net/api/events"
  }
}

mock_resource "azurerm_role_definition" {
  defaults = {
    id                          = "/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft.Authorization/roleDefinitions/dddddddd-0000-4000-8000-000000000001|/subscriptions/11111111-2222-3333-4444-555555555555"
    role_definition_resource_id = "/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft.Authorization/roleDefinitions/dddddddd-0000-4000-8000-000000000001"
  }
}

# What a test must tell apart has an id of its own.
override_resource {
  target = azurerm_storage_account.account["platform"]
  values = {
    id                    = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Storage/storageAccounts/acmeplatform"
    primary_blob_endpoint = "https://acmeplatform.blob.core.windows.net/"
  }
}

override_resource {
  target = azurerm_storage_account.account["oidc"]
  values = {
    id                    = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Storage/storageAccounts/acmeoidc"
    primary_blob_endpoint = "https://acmeoidc.blob.core.windows.net/"
  }
}

override_resource {
  target = azurerm_storage_account.account["events"]
  values = {
    id                    = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Storage/storageAccounts/acmeevents"
    primary_blob_endpoint = "https://acmeevents.blob.core.windows.net/"
  }
}

override_resource {
  target = azurerm_storage_account.account["provision"]
  values = {
    id                    = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Storage/storageAccounts/acmeprovision"
    primary_blob_endpoint = "https://acmeprovision.blob.core.windows.net/"
  }
}

override_resource {
  target = azurerm_storage_account.account["undelivered"]
  values = {
    id                    = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Storage/storageAccounts/acmeundelivered"
    primary_blob_endpoint = "https://acmeundelivered.blob.core.windows.net/"
  }
}

override_resource {
  target = azurerm_user_assigned_identity.door["platform"]
  values = {
    id           = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.ManagedIdentity/userAssignedIdentities/acme-platform"
    client_id    = "bbbbbbbb-0000-4000-8000-000000000000"
    principal_id = "bbbbbbbb-0000-4000-8000-000000000010"
  }
}

override_resource {
  target = azurerm_user_assigned_identity.door["oidc"]
  values = {
    id           = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.ManagedIdentity/userAssignedIdentities/acme-oidc"
    client_id    = "bbbbbbbb-0000-4000-8000-000000000001"
    principal_id = "bbbbbbbb-0000-4000-8000-000000000011"
  }
}

override_resource {
  target = azurerm_user_assigned_identity.door["events"]
  values = {
    id           = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.ManagedIdentity/userAssignedIdentities/acme-events"
    client_id    = "bbbbbbbb-0000-4000-8000-000000000002"
    principal_id = "bbbbbbbb-0000-4000-8000-000000000012"
  }
}

override_resource {
  target = azurerm_user_assigned_identity.door["provision"]
  values = {
    id           = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.ManagedIdentity/userAssignedIdentities/acme-provision"
    client_id    = "bbbbbbbb-0000-4000-8000-000000000003"
    principal_id = "bbbbbbbb-0000-4000-8000-000000000013"
  }
}

override_resource {
  target = azurerm_user_assigned_identity.topic
  values = {
    id           = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.ManagedIdentity/userAssignedIdentities/acme-topic"
    client_id    = "bbbbbbbb-0000-4000-8000-000000000009"
    principal_id = "bbbbbbbb-0000-4000-8000-000000000019"
  }
}

override_resource {
  target = azurerm_servicebus_queue.setup
  values = {
    id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.ServiceBus/namespaces/acme/queues/setup"
  }
}

override_resource {
  target = azurerm_servicebus_queue.dead_letters
  values = {
    id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.ServiceBus/namespaces/acme/queues/dead-letters"
  }
}

override_resource {
  target = azurerm_storage_container.undelivered
  values = {
    id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Storage/storageAccounts/acmeundelivered/blobServices/default/containers/undelivered"
  }
}
