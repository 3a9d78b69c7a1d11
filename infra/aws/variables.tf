variable "prefix" {
  description = "Begins the name of everything that is made here, and of every repository whose registry names no prefix of its own."
  type        = string
  default     = "artifact-registry"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", var.prefix))
    error_message = "prefix must have 2 to 40 characters of a-z, 0-9 and -, begin with a letter and not end with -."
  }
}

variable "package_path" {
  description = "The folder that `npm run build` writes for AWS: dist/aws. It is archived here, when the plan is made and again when it is applied."
  type        = string
  default     = null

  validation {
    condition     = (var.package_path == null) != (var.package_file == null)
    error_message = "Set package_path or package_file: one of them, and not both."
  }
}

variable "package_file" {
  description = "A package that was built elsewhere, in the place of package_path: { path } of a ZIP file of what is in dist/aws, with index.js at its root. A pipeline that plans in one job and applies in another needs it at the same path in both."
  type        = object({ path = string })
  default     = null

  validation {
    # Every ZIP file that is not empty begins with the bytes 50 4B 03 04.
    condition     = alltrue([for package in var.package_file[*] : try(startswith(filebase64(package.path), "UEsDB"), false)])
    error_message = "package_file must have the path of a ZIP file that is there."
  }
}

variable "doors" {
  description = "The functions that are wanted, one per door: platform, oidc, invoke, events, provision. Memory in MiB, time-out in seconds. Without reserved_concurrency, oidc has 20 and the others share what the account has; -1 reserves none."
  type = map(object({
    memory_size          = optional(number, 512)
    timeout              = optional(number, 30)
    reserved_concurrency = optional(number)
  }))
  default  = { platform = {}, invoke = {}, events = {} }
  nullable = false

  validation {
    condition     = length(var.doors) > 0 && length(setsubtract(keys(var.doors), ["platform", "oidc", "invoke", "events", "provision"])) == 0
    error_message = "doors may be platform, oidc, invoke, events and provision; at least one is needed."
  }
  validation {
    # An operation may take 25 s; its lease on a repository lasts 60 s, and has to outlive the invocation that took it.
    condition     = alltrue([for door in values(var.doors) : door.timeout >= 30 && door.timeout < 60])
    error_message = "A door's timeout must be from 30 to 59 seconds: longer than an operation, shorter than its lease."
  }
  validation {
    condition     = !contains(keys(var.doors), "oidc") || length(var.oidc_issuers) > 0
    error_message = "The oidc door needs oidc_issuers: nobody else is believed there."
  }
}

variable "access_rules_file" {
  description = "Path of a file in the package, as /var/task/rules.json, instead of access_rules: for rules that do not fit into 4 KiB of environment."
  type        = string
  default     = null

  validation {
    condition     = var.access_rules_file == null || length(var.access_rules) == 0
    error_message = "Set access_rules or access_rules_file, not both."
  }
}

variable "callers" {
  description = "Names of IAM roles of this account that may call a door (platform, invoke or provision), each under a key of your choice. They get a policy for it; what they may do there is for access_rules to say."
  type        = map(map(string))
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.callers), setintersection(keys(var.doors), ["platform", "invoke", "provision"]))) == 0
    error_message = "callers may be named for the doors platform, invoke and provision, where they are wanted."
  }
}

variable "permissions_boundary" {
  description = "The permissions boundary of every role that is made here, and of those that provisionRegistry makes: { arn }. Without it these get one that is made here and allows pushes at most."
  type        = object({ arn = string })
  default     = null

  validation {
    condition     = alltrue([for boundary in var.permissions_boundary[*] : can(regex("^arn:aws[a-z-]*:iam::(\\d{12}|aws):policy/.+$", boundary.arn))])
    error_message = "permissions_boundary must have the ARN of a managed policy."
  }
}

variable "role_path" {
  description = "IAM's path of the pull and push roles; /{prefix}/ if left out. The provision door may change whatever role is on it, and no other: give it to nobody else. IAM moves no role: another path means new roles."
  type        = string
  default     = null

  validation {
    condition     = var.role_path == null || can(regex("^/(?:[A-Za-z0-9_+=,.@-]+/)*$", var.role_path)) && length(coalesce(var.role_path, "/")) <= 512
    error_message = "role_path must be names between slashes, as /acme/, or /."
  }
}

variable "setup_event_bus" {
  description = "Name of the event bus on which set-up events appear."
  type        = string
  default     = "default"
}

variable "setup_event_sources" {
  description = "Sources whose set-up events are taken. Empty means every source that may put events on the bus."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "log_retention_days" {
  description = "Days for which the logs are kept, the audit log among them."
  type        = number
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of CloudWatch's own: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, …"
  }
}

variable "alarm_topic_arn" {
  description = "SNS topic, in this region, that alarms are sent to. Without it they change their state and tell nobody."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    # With the tag of the registry and the one that provisionRegistry writes there may be 50.
    condition     = length(var.tags) <= 48 && alltrue([for key, value in var.tags : length(key) >= 1 && length(key) <= 128 && length(value) <= 256])
    error_message = "There may be 48 tags at most, with keys of 1 to 128 characters and values of at most 256."
  }
}
