# One registry. A pipeline creates repositories and pushes over the platform door, projects announce themselves on the
# topic, and workers in other clouds fetch pull credentials with their own tokens.
terraform {
  required_version = ">= 1.9.0"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.55.0, < 5.0.0"
    }
  }
}

variable "subscription_id" {
  description = "The subscription of the functions and of the registries."
  type        = string
  default     = "11111111-2222-3333-4444-555555555555"
}

variable "tenant_id" {
  description = "The Entra tenant of the subscription."
  type        = string
  default     = "99999999-8888-7777-6666-555555555555"
}

variable "pipeline_object_id" {
  description = "Object id of the service principal that the deploy pipeline runs as."
  type        = string
  default     = "aaaaaaaa-0000-4000-8000-000000000001"
}

variable "projects_object_id" {
  description = "Object id of the service principal that announces projects."
  type        = string
  default     = "aaaaaaaa-0000-4000-8000-000000000002"
}

provider "azurerm" {
  subscription_id = var.subscription_id
  # The storage accounts have no keys.
  storage_use_azuread = true

  features {}
}

locals {
  location = "westeurope"
}

resource "azurerm_resource_group" "functions" {
  name     = "acme-functions"
  location = local.location
}

# In which nothing else is: the provision door may change every container registry in it.
resource "azurerm_resource_group" "registries" {
  name     = "acme-registries"
  location = local.location
}

# The images: this outlives the functions.
resource "azurerm_container_registry" "images" {
  name                   = "acmeimages"
  resource_group_name    = azurerm_resource_group.registries.name
  location               = local.location
  sku                    = "Standard"
  admin_enabled          = false
  anonymous_pull_enabled = false
  # By this provisioning knows it as a registry's, that no other may overlap with.
  tags = { alien-artifact-registry = "images/" }

  lifecycle {
    prevent_destroy = true
  }
}

module "artifact_registry" {
  source = "../.."

  resource_group_name          = azurerm_resource_group.functions.name
  registry_resource_group_name = azurerm_resource_group.registries.name
  location                     = local.location
  prefix                       = "acme"
  package_path                 = "${path.root}/../../../../dist/azure"

  doors = {
    platform  = { min_instances = 1 }
    events    = {}
    oidc      = { max_instances = 20 }
    provision = {}
  }

  registries = {
    images = {
      registry_name     = azurerm_container_registry.images.name
      login_server      = azurerm_container_registry.images.login_server
      repository_prefix = "images"
    }
  }
  derived_registries = true

  callers = {
    platform  = [var.pipeline_object_id]
    provision = [var.pipeline_object_id]
  }
  setup_event_publishers = [var.projects_object_id]

  oidc_issuers = [{ issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/ACME", audience = "acme-registry" }]

  access_rules = [
    {
      callers      = [{ issuer = "azure", subject = "${var.tenant_id}/${var.pipeline_object_id}" }]
      operations   = ["*"]
      registries   = ["*"]
      repositories = ["*"]
      permissions  = ["pull", "push-pull"]
    },
    {
      callers      = [{ issuer = "door", subject = "events" }]
      operations   = ["setupRepository"]
      registries   = ["images"]
      repositories = ["*"]
    },
    {
      callers      = [{ issuer = "door", subject = "provision" }]
      operations   = ["provisionRegistry", "describeRegistry"]
      registries   = ["*"]
      repositories = ["*"]
    },
    {
      callers      = [{ issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/ACME", subject = "system:serviceaccount:workers:puller" }]
      operations   = ["generateCredentials"]
      registries   = ["images"]
      repositories = ["images/my-app"]
      permissions  = ["pull"]
    },
  ]

  tags = { project = "acme" }
}

output "functions" {
  value = module.artifact_registry.functions
}

output "setup_topic" {
  value = module.artifact_registry.setup_topic
}

output "dead_letters" {
  value = module.artifact_registry.dead_letters
}
