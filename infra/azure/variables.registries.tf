variable "registries" {
  description = <<-EOT
    The registries that the functions serve, by name (1 to 64 characters of A-Z, a-z, 0-9, - and _). Their container
    registries exist, in the subscription of the functions.
    - registry_name: of the container registry
    - resource_group_name: registry_resource_group_name if left out
    - login_server: asked of Azure at run time if left out, which makes a cold start slower
    - repository_prefix: the part of the container registry that is this registry; all of it if left out
    - role_assignment_mode: rbac, or rbac-abac where its roles may have conditions on repositories; it must be so already
  EOT
  type = map(object({
    registry_name        = string
    resource_group_name  = optional(string)
    login_server         = optional(string)
    repository_prefix    = optional(string, "")
    role_assignment_mode = optional(string, "rbac")
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(var.registries) > 0 || var.derived_registries
    error_message = "Name at least one registry, or allow derived_registries."
  }
  validation {
    condition     = alltrue([for name in keys(var.registries) : can(regex("^[A-Za-z0-9_-]{1,64}$", name))])
    error_message = "A registry's name must have 1 to 64 characters of A-Z, a-z, 0-9, - and _."
  }
  validation {
    condition     = length(distinct([for name in keys(var.registries) : upper(replace(name, "-", "_"))])) == length(var.registries)
    error_message = "Two registries share a variable: their names differ only in case, or in - and _."
  }
  validation {
    condition     = alltrue([for registry in values(var.registries) : can(regex("^[a-zA-Z0-9]{5,50}$", registry.registry_name))])
    error_message = "A registry_name must be that of a container registry: 5 to 50 letters and digits."
  }
  validation {
    condition = alltrue([for registry in values(var.registries) :
      registry.resource_group_name == null || can(regex("^[\\p{L}\\p{N}_().-]{0,89}[\\p{L}\\p{N}_()-]$", registry.resource_group_name))
    ])
    error_message = "A registry's resource_group_name must be the name of a resource group: not its id."
  }
  validation {
    condition = alltrue([for registry in values(var.registries) :
      registry.login_server == null || can(regex("^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$", registry.login_server))
    ])
    error_message = "A login_server must be a host name in lower case, as example.azurecr.io."
  }
  validation {
    condition = alltrue([for registry in values(var.registries) :
      registry.repository_prefix == "" || (length(registry.repository_prefix) <= 200 && can(regex("^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$", registry.repository_prefix)))
    ])
    error_message = "A repository_prefix must be a legal repository name of at most 200 characters."
  }
  validation {
    # The functions would refuse it at every start.
    condition = length(var.registries) < 2 || alltrue(flatten([
      for name, registry in var.registries : [
        for other, each in var.registries : name == other || (
          registry.repository_prefix != "" && registry.repository_prefix != each.repository_prefix
          && !startswith(each.repository_prefix, "${registry.repository_prefix}-") && !startswith(each.repository_prefix, "${registry.repository_prefix}/")
        )
      ]
    ]))
    error_message = "Of several registries each needs a repository_prefix that neither equals another's nor extends it by - or /, also on different container registries."
  }
  validation {
    condition     = alltrue([for registry in values(var.registries) : contains(["rbac", "rbac-abac"], registry.role_assignment_mode)])
    error_message = "A role_assignment_mode must be rbac or rbac-abac."
  }
}

variable "registry_resource_group_name" {
  description = "The resource group of the registries that name none of their own: resource_group_name if left out. The provision door and derived_registries need one in which nothing else is."
  type        = string
  default     = null

  validation {
    condition     = var.registry_resource_group_name == null || can(regex("^[\\p{L}\\p{N}_().-]{0,89}[\\p{L}\\p{N}_()-]$", coalesce(var.registry_resource_group_name, "group")))
    error_message = "registry_resource_group_name must be the name of a resource group: not its id."
  }
}

variable "derived_registries" {
  description = <<-EOT
    Set it where registries are provisioned at run time, without a deployment of this module: the functions then find an
    unnamed registry by its name, in registry_resource_group_name.
  EOT
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.derived_registries || lower(coalesce(var.registry_resource_group_name, var.resource_group_name)) != lower(var.resource_group_name)
    error_message = "With derived_registries the functions have roles on the whole resource group of the registries: give them a group of their own (registry_resource_group_name), without the functions."
  }
}

variable "provisioned_registries" {
  description = <<-EOT
    What the provision door makes of container registries; what is left out it leaves as it is.
    - sku: Basic, Standard or Premium; of a new one Standard
    - role_assignment_mode: rbac or rbac-abac; of a new one rbac
  EOT
  type = object({
    sku                  = optional(string)
    role_assignment_mode = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["Basic", "Standard", "Premium"], coalesce(var.provisioned_registries.sku, "Basic"))
    error_message = "A sku must be Basic, Standard or Premium."
  }
  validation {
    condition     = contains(["rbac", "rbac-abac"], coalesce(var.provisioned_registries.role_assignment_mode, "rbac"))
    error_message = "A role_assignment_mode must be rbac or rbac-abac."
  }
}
