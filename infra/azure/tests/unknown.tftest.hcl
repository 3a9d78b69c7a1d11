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
  package = "folder"
}

run "planned" {
  command = plan

  module {
    source = "./tests/same-configuration"
  }

  assert {
    condition     = keys(output.registry.functions) == ["events", "oidc", "platform", "provision"]
    error_message = "The plan knows what there will be, before it knows what that is given."
  }
}

run "a_file_planned" {
  command = plan

  variables {
    package = "file"
  }

  module {
    source = "./tests/same-configuration"
  }

  assert {
    condition     = keys(output.registry.functions) == ["events", "oidc", "platform", "provision"]
    error_message = "A package from elsewhere need not be there yet."
  }
}

# Last: OpenTofu can neither plan again nor take away what was applied with a mock provider; it leaves an errored_test.tfstate.
run "applied" {
  command = apply

  variables {
    package = "file"
  }

  module {
    source = "./tests/same-configuration"
  }

  override_resource {
    target = azurerm_user_assigned_identity.own
    values = {
      principal_id = "aaaaaaaa-0000-4000-8000-000000000001"
      client_id    = "aaaaaaaa-0000-4000-8000-000000000002"
      tenant_id    = "99999999-8888-7777-6666-555555555555"
    }
  }
  override_resource {
    target = azurerm_container_registry.images
    values = { login_server = "acmeimages.azurecr.io" }
  }
  override_resource {
    target = azurerm_virtual_network.own
    values = { id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Network/virtualNetworks/acme" }
  }
  override_resource {
    target = azurerm_subnet.own["functions"]
    values = { id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Network/virtualNetworks/acme/subnets/functions" }
  }
  override_resource {
    target = azurerm_subnet.own["endpoints"]
    values = { id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Network/virtualNetworks/acme/subnets/endpoints" }
  }
  override_resource {
    target = azurerm_private_dns_zone.registries
    values = { id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Network/privateDnsZones/privatelink.azurecr.io" }
  }
  override_resource {
    target = azurerm_monitor_action_group.operators
    values = { id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Insights/actionGroups/operators" }
  }

  assert {
    condition     = jsondecode(output.registry.bindings.images).loginServer == "acmeimages.azurecr.io"
    error_message = "A registry that is made beside the module is bound."
  }
}
