variable "resource_group_name" {
  description = "The resource group of the functions. It exists."
  type        = string

  validation {
    condition     = can(regex("^[\\p{L}\\p{N}_().-]{0,89}[\\p{L}\\p{N}_()-]$", var.resource_group_name))
    error_message = "resource_group_name must be the name of a resource group: not its id."
  }
}

variable "location" {
  description = "The location of the functions, and of the registries that are provisioned at run time."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]+$", var.location))
    error_message = "location must be the short name of a location, as westeurope."
  }
}

variable "prefix" {
  description = "Begins the name of everything that is made here."
  type        = string
  default     = "artifact-registry"

  validation {
    # What else is in a name of a Service Bus namespace has 16 characters, of 50.
    condition     = can(regex("^[a-z](?:[a-z0-9]|-[a-z0-9]){1,19}$", var.prefix)) && length(var.prefix) <= 20
    error_message = "prefix must have 2 to 20 characters of a-z, 0-9 and single -, begin with a letter and not end with -."
  }
}

variable "package_path" {
  description = "The folder that `npm run build` writes for Azure: dist/azure. It is archived here."
  type        = string
  default     = null

  validation {
    condition     = (var.package_path == null) != (var.package_file == null)
    error_message = "Set package_path or package_file: one of them, and not both."
  }
}

variable "package_file" {
  description = "A package that was built elsewhere, in the place of package_path: { path } of a ZIP file of what is in dist/azure, with host.json at its root."
  type        = object({ path = string })
  default     = null

  validation {
    # Every ZIP file that is not empty begins with the bytes 50 4B 03 04.
    condition     = alltrue([for package in var.package_file[*] : try(startswith(filebase64(package.path), "UEsDB"), false)])
    error_message = "package_file must have the path of a ZIP file that is there."
  }
}

variable "doors" {
  description = <<-EOT
    The function apps that are wanted, one per door: platform, oidc, events, provision.
    - memory_mib: of each instance: 512, 2048 or 4096
    - min_instances, max_instances: how many instances; the least are kept ready, and paid for
    - concurrency: how many requests each instance takes at a time; Azure's choice if left out
    - ip_ranges: whence it may be called, as 203.0.113.0/24; from everywhere if left out. From nowhere for events
  EOT
  type = map(object({
    memory_mib    = optional(number, 2048)
    min_instances = optional(number, 0)
    max_instances = optional(number, 40)
    concurrency   = optional(number)
    ip_ranges     = optional(list(string), [])
  }))
  default  = { platform = {}, events = {} }
  nullable = false

  validation {
    condition     = length(var.doors) > 0 && length(setsubtract(keys(var.doors), ["platform", "oidc", "events", "provision"])) == 0
    error_message = "doors may be platform, oidc, events and provision; at least one is needed."
  }
  validation {
    condition     = alltrue([for door in values(var.doors) : contains([512, 2048, 4096], door.memory_mib)])
    error_message = "A door's memory_mib must be 512, 2048 or 4096."
  }
  validation {
    condition     = alltrue([for door in values(var.doors) : door.min_instances >= 0 && door.max_instances >= 1 && door.max_instances <= 1000 && door.min_instances <= door.max_instances])
    error_message = "A door's max_instances must be from 1 to 1000, and min_instances no more than that."
  }
  validation {
    condition     = alltrue([for door in values(var.doors) : coalesce(door.concurrency, 1) >= 1 && coalesce(door.concurrency, 1) <= 1000])
    error_message = "A door's concurrency must be from 1 to 1000."
  }
  validation {
    condition     = alltrue(flatten([for door in values(var.doors) : [for range in door.ip_ranges : can(cidrhost(range, 0))]]))
    error_message = "A door's ip_ranges must be in CIDR form, as 203.0.113.0/24."
  }
  validation {
    condition     = length(try(var.doors.events.ip_ranges, [])) == 0
    error_message = "Nobody calls the events door: it reads a queue."
  }
  validation {
    condition     = !contains(keys(var.doors), "oidc") || length(var.oidc_issuers) > 0
    error_message = "The oidc door needs oidc_issuers: nobody else is believed there."
  }
  validation {
    condition     = !contains(keys(var.doors), "provision") || length(setintersection(keys(var.doors), ["platform", "oidc"])) > 0
    error_message = "The provision door needs a door that mints, platform or oidc: it assigns roles to their identities, and never to its own."
  }
  validation {
    condition     = !contains(keys(var.doors), "provision") || lower(coalesce(var.registry_resource_group_name, var.resource_group_name)) != lower(var.resource_group_name)
    error_message = "The provision door may change every container registry of the registries' resource group, and assign roles there: give them a group of their own (registry_resource_group_name), without the functions."
  }
}

variable "access_rules_file" {
  description = "Path of a file in the package, as /home/site/wwwroot/rules.json, instead of access_rules: for rules that do not fit into the settings."
  type        = string
  default     = null

  validation {
    condition     = var.access_rules_file == null || length(var.access_rules) == 0
    error_message = "Set access_rules or access_rules_file, not both."
  }
}

