variable "project_id" {
  description = "The project of the functions."
  type        = string

  validation {
    condition     = can(regex("^(?:[a-z0-9][a-z0-9.-]*\\.[a-z]{2,}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be a project id: not its number, and not its name."
  }
}

variable "region" {
  description = "The region of the functions, and of the registries that name no location of their own."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+\\d+$", var.region))
    error_message = "region must be a region, as europe-west1: functions do not run in multi-regions."
  }
}

variable "prefix" {
  description = "Begins the name of everything that is made here, and of every repository whose registry names none of its own."
  type        = string
  default     = "artifact-registry"

  validation {
    # {prefix}-provision must be the id of a service account, which has 6 to 30 characters.
    condition     = can(regex("^[a-z](?:[a-z0-9-]{0,18}[a-z0-9])$", var.prefix))
    error_message = "prefix must have 2 to 20 characters of a-z, 0-9 and -, begin with a letter and not end with -."
  }
}

variable "doors" {
  description = <<-EOT
    The functions that are wanted, one per door: platform, oidc, invoke, events, provision.
    - memory_mib, cpu: of each instance
    - timeout: seconds
    - min_instances, max_instances, concurrency: how many instances, and how many requests each takes at a time
    - ingress: ALLOW_ALL, ALLOW_INTERNAL_ONLY or ALLOW_INTERNAL_AND_GCLB; by default all, but internal only for events
  EOT
  type = map(object({
    memory_mib    = optional(number, 512)
    cpu           = optional(number, 1)
    timeout       = optional(number, 60)
    min_instances = optional(number, 0)
    max_instances = optional(number, 10)
    concurrency   = optional(number, 40)
    ingress       = optional(string)
  }))
  default  = { platform = {}, events = {} }
  nullable = false

  validation {
    condition     = length(var.doors) > 0 && length(setsubtract(keys(var.doors), ["platform", "oidc", "invoke", "events", "provision"])) == 0
    error_message = "doors may be platform, oidc, invoke, events and provision; at least one is needed."
  }
  validation {
    # An operation ends after 55 s at the latest.
    condition     = alltrue([for door in values(var.doors) : door.timeout >= 30 && door.timeout <= 60])
    error_message = "A door's timeout must be from 30 to 60 seconds."
  }
  validation {
    condition     = alltrue([for door in values(var.doors) : door.min_instances >= 0 && door.max_instances >= 1 && door.min_instances <= door.max_instances])
    error_message = "A door's max_instances must be at least 1, and min_instances no more than that."
  }
  validation {
    condition     = alltrue([for door in values(var.doors) : door.concurrency >= 1 && door.concurrency <= 1000 && (door.concurrency == 1 || door.cpu >= 1)])
    error_message = "A door's concurrency must be from 1 to 1000, and 1 where it has less than one CPU."
  }
  validation {
    condition     = alltrue([for door in values(var.doors) : door.memory_mib >= 256])
    error_message = "A door's memory_mib must be at least 256."
  }
  validation {
    condition = alltrue([
      for door in values(var.doors) : contains(["ALLOW_ALL", "ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB"], coalesce(door.ingress, "ALLOW_ALL"))
    ])
    error_message = "A door's ingress must be ALLOW_ALL, ALLOW_INTERNAL_ONLY or ALLOW_INTERNAL_AND_GCLB."
  }
  validation {
    condition     = !contains(keys(var.doors), "oidc") || length(var.oidc_issuers) > 0
    error_message = "The oidc door needs oidc_issuers: nobody else is believed there."
  }
  validation {
    # Without any, the accounts that it makes would let itself mint.
    condition     = !contains(keys(var.doors), "provision") || length(setintersection(keys(var.doors), ["platform", "oidc", "invoke"])) > 0
    error_message = "The provision door needs a door that mints, platform, oidc or invoke: it makes accounts for them, and never for itself."
  }
  validation {
    condition     = !contains(keys(var.doors), "provision") || coalesce(var.registry_project_id, var.project_id) != var.project_id
    error_message = "The provision door may write the policy of every repository and service account of the registries' project: give them a project of their own (registry_project_id), without the functions'."
  }
}

variable "access_rules_file" {
  description = "Path of a file in the package, as /workspace/rules.json, instead of access_rules: for rules that do not fit into the environment."
  type        = string
  default     = null

  validation {
    condition     = var.access_rules_file == null || length(var.access_rules) == 0
    error_message = "Set access_rules or access_rules_file, not both."
  }
}

variable "platform_audiences" {
  description = "Audiences that the tokens of the platform door's callers must be for (ALIEN_PLATFORM_AUDIENCES). Google checks them too."
  type        = list(string)
  default     = []
  nullable    = false
}
