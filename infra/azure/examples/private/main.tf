# A container registry that the internet does not reach: the functions go out by a subnet, and find it by a private endpoint. Whoever pulls
# and pushes needs a way into the network, too.
terraform {
  required_version = ">= 1.9.0"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 5.0.0, < 6.0.0"
    }
    azapi = {
      source  = "Azure/azapi"
      version = ">= 2.4.0, < 3.0.0"
    }
  }
}

variable "subscription_id" {
  description = "The subscription of the functions and of the registry."
  type        = string
  default     = "11111111-2222-3333-4444-555555555555"
}

variable "pipeline_object_id" {
  description = "Object id of the service principal that the deploy pipeline runs as."
  type        = string
  default     = "aaaaaaaa-0000-4000-8000-000000000001"
}

provider "azurerm" {
  subscription_id     = var.subscription_id
  storage_use_azuread = true
  resource_providers_to_register = [
    "Microsoft.App",
    "Microsoft.ContainerRegistry",
    "microsoft.insights",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
    "Microsoft.Web",
  ]

  features {}
}

provider "azapi" {
  subscription_id = var.subscription_id
}

data "azurerm_client_config" "this" {}

locals {
  location = "westeurope"
}

resource "azurerm_resource_group" "this" {
  name     = "acme-private"
  location = local.location
}

resource "azurerm_virtual_network" "this" {
  name                = "acme"
  resource_group_name = azurerm_resource_group.this.name
  location            = local.location
  address_space       = ["10.0.0.0/16"]
}

resource "azurerm_subnet" "functions" {
  name                 = "functions"
  resource_group_name  = azurerm_resource_group.this.name
  virtual_network_name = azurerm_virtual_network.this.name
  address_prefixes     = ["10.0.0.0/24"]

  delegation {
    name = "functions"
    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet" "endpoints" {
  name                 = "endpoints"
  resource_group_name  = azurerm_resource_group.this.name
  virtual_network_name = azurerm_virtual_network.this.name
  address_prefixes     = ["10.0.1.0/24"]
}

# The way to the internet, where Azure Resource Manager, Entra and the storage accounts are.
resource "azurerm_public_ip" "functions" {
  name                = "acme-functions"
  resource_group_name = azurerm_resource_group.this.name
  location            = local.location
  allocation_method   = "Static"
  sku                 = "Standard"
}

resource "azurerm_nat_gateway" "functions" {
  name                = "acme-functions"
  resource_group_name = azurerm_resource_group.this.name
  location            = local.location
}

resource "azurerm_nat_gateway_public_ip_association" "functions" {
  nat_gateway_id       = azurerm_nat_gateway.functions.id
  public_ip_address_id = azurerm_public_ip.functions.id
}

resource "azurerm_subnet_nat_gateway_association" "functions" {
  subnet_id      = azurerm_subnet.functions.id
  nat_gateway_id = azurerm_nat_gateway.functions.id
}

resource "azurerm_private_dns_zone" "registry" {
  name                = "privatelink.azurecr.io"
  resource_group_name = azurerm_resource_group.this.name
}

resource "azurerm_private_dns_zone_virtual_network_link" "registry" {
  name                = "acme"
  private_dns_zone_id = azurerm_private_dns_zone.registry.id
  virtual_network_id  = azurerm_virtual_network.this.id
}

# Only Premium takes private endpoints.
resource "azurerm_container_registry" "images" {
  name                          = "acmeprivateimages"
  resource_group_name           = azurerm_resource_group.this.name
  location                      = local.location
  sku                           = "Premium"
  admin_enabled                 = false
  anonymous_pull_enabled        = false
  public_network_access_enabled = false
}

module "artifact_registry" {
  source = "../.."

  resource_group_name = azurerm_resource_group.this.name
  location            = local.location
  prefix              = "acme-private"
  package_path        = "${path.root}/../../../../dist/azure"
  doors               = { platform = {} }

  network = {
    subnet_id = azurerm_subnet.functions.id
    private_endpoints = {
      registries   = ["images"]
      subnet_id    = azurerm_subnet.endpoints.id
      dns_zone_ids = [azurerm_private_dns_zone.registry.id]
    }
  }

  registries = {
    images = {
      registry_name     = azurerm_container_registry.images.name
      login_server      = azurerm_container_registry.images.login_server
      repository_prefix = "images"
    }
  }

  callers = { platform = { pipeline = var.pipeline_object_id } }

  access_rules = [
    {
      callers      = [{ issuer = "azure", subject = "${data.azurerm_client_config.this.tenant_id}/${var.pipeline_object_id}" }]
      operations   = ["*"]
      registries   = ["images"]
      repositories = ["*"]
      permissions  = ["pull", "push-pull"]
    },
  ]
}

output "functions" {
  value = module.artifact_registry.functions
}
