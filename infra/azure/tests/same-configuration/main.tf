# A configuration that makes what it gives to the module. When the first plan is made, none of it is known but that it is there.
terraform {
  required_providers {
    azurerm = {
      source = "hashicorp/azurerm"
    }
    azuread = {
      source = "hashicorp/azuread"
    }
    azapi = {
      source = "azure/azapi"
    }
    archive = {
      source = "hashicorp/archive"
    }
    time = {
      source = "hashicorp/time"
    }
    random = {
      source = "hashicorp/random"
    }
  }
}

variable "package" {
  description = "How the functions' code is given: folder or file."
  type        = string
  default     = "folder"
}

resource "azurerm_resource_group" "own" {
  for_each = toset(["functions", "registries"])

  name     = "acme-${each.key}"
  location = "westeurope"
}

resource "azurerm_user_assigned_identity" "own" {
  for_each = toset(["pipeline", "projects"])

  name                = "acme-${each.key}"
  resource_group_name = azurerm_resource_group.own["functions"].name
  location            = "westeurope"
}

resource "azurerm_container_registry" "images" {
  name                = "acmeimages"
  resource_group_name = azurerm_resource_group.own["registries"].name
  location            = "westeurope"
  sku                 = "Premium"
}

resource "azurerm_virtual_network" "own" {
  name                = "acme"
  resource_group_name = azurerm_resource_group.own["functions"].name
  location            = "westeurope"
  address_space       = ["10.0.0.0/16"]
}

resource "azurerm_subnet" "own" {
  for_each = { functions = "10.0.0.0/24", endpoints = "10.0.1.0/24" }

  name                 = each.key
  resource_group_name  = azurerm_resource_group.own["functions"].name
  virtual_network_name = azurerm_virtual_network.own.name
  address_prefixes     = [each.value]
}

resource "azurerm_private_dns_zone" "registries" {
  name                = "privatelink.azurecr.io"
  resource_group_name = azurerm_resource_group.own["functions"].name
}

resource "azurerm_monitor_action_group" "operators" {
  name                = "operators"
  resource_group_name = azurerm_resource_group.own["functions"].name
  short_name          = "operators"
}

# A build of the package, which says where it is once it is done.
resource "terraform_data" "package" {
  input = { folder = "../../dist/azure", file = "tests/package.zip" }
}

module "artifact_registry" {
  source = "../.."

  resource_group_name          = azurerm_resource_group.own["functions"].name
  registry_resource_group_name = azurerm_resource_group.own["registries"].name
  location                     = "westeurope"
  prefix                       = "acme"
  package_path                 = var.package == "folder" ? terraform_data.package.output.folder : null
  package_file                 = var.package == "file" ? { path = terraform_data.package.output.file } : null
  doors                        = { platform = {}, oidc = {}, events = {}, provision = {} }

  registries = { images = { registry_name = azurerm_container_registry.images.name, login_server = azurerm_container_registry.images.login_server } }

  network = {
    subnet_id         = azurerm_subnet.own["functions"].id
    private_endpoints = { registries = ["images"], subnet_id = azurerm_subnet.own["endpoints"].id, dns_zone_ids = [azurerm_private_dns_zone.registries.id] }
  }
  action_group_ids       = [azurerm_monitor_action_group.operators.id]
  callers                = { platform = { pipeline = azurerm_user_assigned_identity.own["pipeline"].principal_id } }
  setup_event_publishers = { projects = azurerm_user_assigned_identity.own["projects"].principal_id }
  tags                   = { pipeline = azurerm_user_assigned_identity.own["pipeline"].client_id }

  oidc_issuers = [{ issuer = "https://token.example", audience = azurerm_user_assigned_identity.own["pipeline"].tenant_id }]
  access_rules = [{
    callers      = [{ issuer = "azure", subject = azurerm_user_assigned_identity.own["pipeline"].principal_id }, { issuer = "https://token.example", subject = azurerm_user_assigned_identity.own["pipeline"].principal_id }]
    operations   = ["*"]
    registries   = ["*"]
    repositories = [azurerm_user_assigned_identity.own["pipeline"].client_id]
    grantees     = ["azure:${azurerm_user_assigned_identity.own["projects"].tenant_id}", azurerm_user_assigned_identity.own["projects"].tenant_id]
    consumer     = azurerm_user_assigned_identity.own["projects"].tenant_id
  }]
}

output "registry" {
  value = module.artifact_registry
}
