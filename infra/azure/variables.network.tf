variable "network" {
  description = <<-EOT
    The virtual network of the functions, for container registries without public access; from the internet if left out.
    - subnet_id: through which the functions call others. It is delegated to Microsoft.App/environments and has a way to the internet, since
      Azure Resource Manager, Entra, storage, Service Bus and Event Grid are reached there
    - private_endpoints: made here for container registries of the SKU Premium
      - registries: for which of `registries`, one for each container registry
      - subnet_id: in which they are: another subnet, in the same location
      - dns_zone_ids: private DNS zones privatelink.azurecr.io, linked to the network; leave it out where a policy writes the records
  EOT
  type = object({
    subnet_id = string
    private_endpoints = optional(object({
      registries   = optional(set(string), [])
      subnet_id    = optional(string)
      dns_zone_ids = optional(list(string), [])
    }), {})
  })
  default = null

  validation {
    condition = alltrue([for id in var.network == null ? [] : compact([var.network.subnet_id, var.network.private_endpoints.subnet_id]) :
      can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.Network/virtualNetworks/[^/]+/subnets/[^/]+$", id))
    ])
    error_message = "A subnet_id must be /subscriptions/{id}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{network}/subnets/{name}."
  }
  validation {
    condition = alltrue([for id in var.network == null ? [] : var.network.private_endpoints.dns_zone_ids :
      can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.Network/privateDnsZones/privatelink\\.azurecr\\.(?:io|cn|us)$", id))
    ])
    error_message = "A zone in dns_zone_ids must be /subscriptions/{id}/resourceGroups/{group}/providers/Microsoft.Network/privateDnsZones/privatelink.azurecr.io."
  }
  validation {
    condition     = var.network == null ? true : length(setsubtract(var.network.private_endpoints.registries, keys(var.registries))) == 0
    error_message = "Private endpoints can be made for those that `registries` names, and for no others."
  }
  validation {
    condition     = var.network == null ? true : length(var.network.private_endpoints.registries) == 0 || (var.network.private_endpoints.subnet_id != null && var.network.private_endpoints.subnet_id != var.network.subnet_id)
    error_message = "Private endpoints need a subnet_id of their own: the functions' subnet is delegated and takes none."
  }
}
