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
  resource_group_name = "acme-functions"
  location            = "westeurope"
  prefix              = "acme"
  package_path        = "../../dist/azure"
  doors               = { platform = {}, oidc = {} }
  oidc_issuers        = [{ issuer = "https://token.example", audience = "acme" }]
  registries = {
    images = { registry_name = "acmeimages", resource_group_name = "acme-registries", repository_prefix = "images" }
    builds = { registry_name = "acmebuilds", repository_prefix = "builds" }
  }
}

run "without_a_network" {
  command = plan

  assert {
    condition     = length(azurerm_private_endpoint.registry) == 0 && alltrue([for app in values(azapi_resource.door) : app.body.properties.virtualNetworkSubnetId == null])
    error_message = "By default functions are in no virtual network, and this is said: what is left out, azapi leaves as it was."
  }
}

run "out_by_a_subnet" {
  command = plan

  variables {
    network = { subnet_id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/functions" }
  }

  assert {
    condition     = alltrue([for app in values(azapi_resource.door) : app.body.properties.virtualNetworkSubnetId == var.network.subnet_id])
    error_message = "All functions go out by the subnet."
  }
  assert {
    condition     = length(azurerm_private_endpoint.registry) == 0
    error_message = "Private endpoints are made where they are wanted."
  }
}

run "private_endpoints" {
  command = plan

  variables {
    network = {
      subnet_id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/functions"
      private_endpoints = {
        registries   = ["images"]
        subnet_id    = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/endpoints"
        dns_zone_ids = ["/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/privateDnsZones/privatelink.azurecr.io"]
      }
    }
  }

  assert {
    condition = (
      keys(azurerm_private_endpoint.registry) == ["images"]
      && azurerm_private_endpoint.registry["images"].subnet_id == var.network.private_endpoints.subnet_id
      && one(azurerm_private_endpoint.registry["images"].private_service_connection).private_connection_resource_id == "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-registries/providers/Microsoft.ContainerRegistry/registries/acmeimages"
      && one(azurerm_private_endpoint.registry["images"].private_service_connection).subresource_names == tolist(["registry"])
      && !one(azurerm_private_endpoint.registry["images"].private_service_connection).is_manual_connection
      && one(azurerm_private_endpoint.registry["images"].private_dns_zone_group).private_dns_zone_ids == tolist(var.network.private_endpoints.dns_zone_ids)
    )
    error_message = "A registry that is named has a private endpoint, with its records."
  }
}

run "records_by_a_policy" {
  command = plan

  variables {
    network = {
      subnet_id         = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/functions"
      private_endpoints = { registries = ["images", "builds"], subnet_id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/endpoints" }
    }
  }

  assert {
    condition     = alltrue([for each in values(azurerm_private_endpoint.registry) : length(each.private_dns_zone_group) == 0]) && length(azurerm_private_endpoint.registry) == 2
    error_message = "Without zones nobody writes records here."
  }
}

run "a_subnet_by_its_name" {
  command = plan

  variables {
    network = { subnet_id = "functions" }
  }

  expect_failures = [var.network]
}

run "a_zone_of_something_else" {
  command = plan

  variables {
    network = {
      subnet_id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/functions"
      private_endpoints = {
        registries   = ["images"]
        subnet_id    = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/endpoints"
        dns_zone_ids = ["/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"]
      }
    }
  }

  expect_failures = [var.network]
}

run "a_zone_of_no_cloud" {
  command = plan

  variables {
    network = {
      subnet_id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/functions"
      private_endpoints = {
        registries   = ["images"]
        subnet_id    = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/endpoints"
        dns_zone_ids = ["/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/privateDnsZones/privatelink.azurecr.example"]
      }
    }
  }

  expect_failures = [var.network]
}

run "an_endpoint_for_nobody" {
  command = plan

  variables {
    network = {
      subnet_id         = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/functions"
      private_endpoints = { registries = ["other"], subnet_id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/endpoints" }
    }
  }

  expect_failures = [var.network]
}

run "endpoints_in_the_functions_subnet" {
  command = plan

  variables {
    network = {
      subnet_id         = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/functions"
      private_endpoints = { registries = ["images"], subnet_id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/functions" }
    }
  }

  expect_failures = [var.network]
}

run "endpoints_nowhere" {
  command = plan

  variables {
    network = {
      subnet_id         = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-network/providers/Microsoft.Network/virtualNetworks/acme/subnets/functions"
      private_endpoints = { registries = ["images"] }
    }
  }

  expect_failures = [var.network]
}
