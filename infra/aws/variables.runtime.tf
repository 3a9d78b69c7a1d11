variable "environment" {
  description = <<-EOT
    Further variables of every function, such as AWS_USE_FIPS_ENDPOINT = "true", AWS_USE_DUALSTACK_ENDPOINT = "true" or the budgets of callers. They count
    towards Lambda's 4 KiB.
  EOT
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([for name in keys(var.environment) : can(regex("^[A-Za-z][A-Za-z0-9_]+$", name)) && !can(regex(
      "^(?:ALIEN_(?:DOOR|REGISTRIES|ACCESS_RULES|ACCESS_RULES_FILE|OIDC_ISSUERS|STACK_PREFIX|LEASE_TABLE|FUNCTION_ROLE_ARNS|PERMISSIONS_BOUNDARY_ARN|PAGE_KEY|ROLE_PATH|DEAD_LETTER_QUEUE_URL|[A-Z0-9_]+_BINDING)|_.*|AWS_(?:REGION|DEFAULT_REGION|ACCESS_KEY.*|SECRET_ACCESS_KEY|SESSION_TOKEN|EXECUTION_ENV|LAMBDA_.*|XRAY_.*)|LAMBDA_.*)$",
      name
    ))])
    error_message = "environment may name no variable that this module or Lambda itself sets."
  }
}

variable "kms_keys" {
  description = <<-EOT
    KMS keys of your own, in this region, each as { arn }; without one, AWS encrypts under a key of its own.
    - logs: of the log groups. Its policy must let logs.{region}.amazonaws.com encrypt and decrypt
    - queues: of the set-up and the dead-letter queue. Its policy must let events.amazonaws.com use kms:GenerateDataKey and kms:Decrypt
    - leases: of the lease table
  EOT
  type = object({
    logs   = optional(object({ arn = string }))
    queues = optional(object({ arn = string }))
    leases = optional(object({ arn = string }))
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([for key in concat(var.kms_keys.logs[*], var.kms_keys.queues[*], var.kms_keys.leases[*]) :
      can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:key/.+$", key.arn))
    ])
    error_message = "kms_keys must have ARNs of keys: an alias cannot be put into a role's policy."
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

variable "network" {
  description = <<-EOT
    Puts the functions into subnets of a VPC. They need a way to STS, ECR, DynamoDB and SQS, and, for provision, to IAM: a NAT gateway, or VPC
    endpoints; oidc also needs one to its issuers. ipv6 lets them leave by IPv6 from dual-stack subnets.
  EOT
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
    ipv6               = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.network == null || (length(try(var.network.subnet_ids, [])) > 0 && length(try(var.network.security_group_ids, [])) > 0)
    error_message = "A network needs subnets and security groups."
  }
}

variable "tracing" {
  description = "Lets Lambda send traces of the functions to X-Ray."
  type        = bool
  default     = false
  nullable    = false
}

variable "keep" {
  description = <<-EOT
    What is left when its door, or all of this, goes.
    - logs: the log groups stay, with the audit log, until their retention ends
    - lease_table: the table of leases cannot be deleted, neither by this module nor by hand; set it to false first
  EOT
  type = object({
    logs        = optional(bool, false)
    lease_table = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "delete_images" {
  description = "Lets the repositories under the bare prefixes go with all images in them. Otherwise `destroy` ends at the first of them that holds one, before anything else is gone. It counts when it was applied before."
  type        = bool
  default     = false
  nullable    = false
}
