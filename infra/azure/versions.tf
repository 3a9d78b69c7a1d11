terraform {
  # Conditions of one variable on another; OpenTofu and Terraform alike.
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
    azuread = {
      source  = "hashicorp/azuread"
      version = ">= 3.7.0, < 4.0.0"
    }
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.4.0, < 3.0.0"
    }
    random = {
      source  = "hashicorp/random"
      version = ">= 3.5.0, < 4.0.0"
    }
    time = {
      source  = "hashicorp/time"
      version = ">= 0.12.0, < 1.0.0"
    }
  }
}

data "azurerm_client_config" "this" {}

locals {
  subscription_id = data.azurerm_client_config.this.subscription_id
  tenant_id       = data.azurerm_client_config.this.tenant_id
  # Names of function apps, storage accounts and namespaces are one space for all of Azure.
  suffix         = substr(sha256("${local.subscription_id}/${var.resource_group_name}/${var.prefix}"), 0, 8)
  storage_prefix = substr(replace(var.prefix, "-", ""), 0, 12)
  group_id       = "/subscriptions/${local.subscription_id}/resourceGroups/${var.resource_group_name}"
}
