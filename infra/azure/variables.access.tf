variable "callers" {
  description = "Who may call a door (platform or provision): object ids of service principals, managed identities among them, of this tenant, each under a key of your choice. Nobody else gets a token. What they may do there is for access_rules to say."
  type        = map(map(string))
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.callers), setintersection(keys(var.doors), ["platform", "provision"]))) == 0
    error_message = "callers may be named for the doors platform and provision, where they are wanted."
  }
  validation {
    condition     = alltrue(flatten([for ids in values(var.callers) : [for id in values(ids) : can(regex("^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", id))]]))
    error_message = "A caller must be the object id of a service principal, in lower case: not its client id, and not its name."
  }
}

variable "callers_verified_by" {
  description = "Who verifies the tokens of callers at the doors platform and provision: App Service authentication (platform), or the function itself (function), which needs no App Service authentication and believes no header."
  type        = string
  default     = "platform"
  nullable    = false

  validation {
    condition     = contains(["platform", "function"], var.callers_verified_by)
    error_message = "callers_verified_by must be platform or function."
  }
}

variable "setup_event_publishers" {
  description = "Who may publish set-up events: object ids of service principals of this tenant, each under a key of your choice."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for id in values(var.setup_event_publishers) : can(regex("^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", id))])
    error_message = "A publisher must be the object id of a service principal, in lower case."
  }
  validation {
    condition     = length(var.setup_event_publishers) == 0 || contains(keys(var.doors), "events")
    error_message = "setup_event_publishers need the events door."
  }
}

variable "log_retention_days" {
  description = "Days for which the functions' logs are kept, the audit log among them."
  type        = number
  default     = 90

  validation {
    condition     = var.log_retention_days >= 30 && var.log_retention_days <= 730 && floor(var.log_retention_days) == var.log_retention_days
    error_message = "log_retention_days must be from 30 to 730 days."
  }
}

variable "action_group_ids" {
  description = "Action groups that alerts are sent to, by their resource ids. Without any, they are raised and tell nobody."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.action_group_ids : can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/microsoft\\.insights/actionGroups/[^/]+$", id))])
    error_message = "An action group must be /subscriptions/{id}/resourceGroups/{group}/providers/Microsoft.Insights/actionGroups/{name}."
  }
}

variable "tags" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.tags) <= 50 && alltrue([for key, value in var.tags : can(regex("^[^<>%&\\\\?/]{1,128}$", key)) && length(value) <= 256])
    error_message = "There may be 50 tags, with names of 1 to 128 characters, none of <>%&\\?/, and values of at most 256."
  }
}

variable "page_key_number" {
  description = <<-EOT
    Counts the keys under which the tokens of lists are sealed (ALIEN_PAGE_KEY). A new number makes a new key, and the one before it is read on. The
    keys are in the state, and among the settings of the doors for callers.
  EOT
  type        = number
  default     = 1

  validation {
    condition     = var.page_key_number >= 1 && floor(var.page_key_number) == var.page_key_number
    error_message = "page_key_number must be 1 or a greater whole number."
  }
}
