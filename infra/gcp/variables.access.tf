variable "callers" {
  description = "Who may call a door (platform, invoke or provision), as IAM writes them: serviceAccount:…, user:… or group:…. Nobody else may, whoever was given the right by hand. What they may do there is for access_rules to say."
  type        = map(set(string))
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.callers), setintersection(keys(var.doors), ["platform", "invoke", "provision"]))) == 0
    error_message = "callers may be named for the doors platform, invoke and provision, where they are wanted."
  }
  validation {
    # Where everybody may call, Google does not verify tokens, and the platform door would believe a forged one.
    condition     = alltrue(flatten([for members in values(var.callers) : [for member in members : can(regex("^(?:serviceAccount|user|group):[^@\\s]+@[^@\\s]+$", member))]]))
    error_message = "A caller must be serviceAccount:…, user:… or group:… with an e-mail address; never allUsers, allAuthenticatedUsers or a domain."
  }
  validation {
    condition     = alltrue([for member in lookup(var.callers, "platform", []) : !startswith(member, "user:")])
    error_message = "The platform door knows service accounts only: a user may impersonate one."
  }
}

variable "setup_event_publishers" {
  description = "Who may publish set-up events, as IAM writes them: serviceAccount:…, user:… or group:…, each under a key of your choice."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for member in values(var.setup_event_publishers) : can(regex("^(?:serviceAccount|user|group):[^@\\s]+@[^@\\s]+$", member))])
    error_message = "A publisher must be serviceAccount:…, user:… or group:… with an e-mail address; never allUsers, allAuthenticatedUsers or a domain."
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
    condition     = var.log_retention_days >= 1 && var.log_retention_days <= 3650 && floor(var.log_retention_days) == var.log_retention_days
    error_message = "log_retention_days must be from 1 to 3650 days."
  }
}

variable "notification_channels" {
  description = "Notification channels that alerts are sent to: projects/{project}/notificationChannels/{id}. Without any, they are opened and tell nobody."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "A notification channel must be projects/{project}/notificationChannels/{id}."
  }
}

variable "labels" {
  description = "Labels of everything that is made here."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Labels must have at most 63 characters of a-z, 0-9, _ and -, and their keys begin with a letter."
  }
}

variable "page_key_number" {
  description = <<-EOT
    Counts the keys under which the tokens of lists are sealed (ALIEN_PAGE_KEY). A new number makes a new key, and the one before it is read on. The
    keys are in the state, and in the environment of the doors for callers.
  EOT
  type        = number
  default     = 1

  validation {
    condition     = var.page_key_number >= 1 && floor(var.page_key_number) == var.page_key_number
    error_message = "page_key_number must be 1 or a greater whole number."
  }
}
