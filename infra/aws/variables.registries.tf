variable "registries" {
  description = <<-EOT
    The registries that the functions serve, by name (1 to 64 characters of A-Z, a-z, 0-9, - and _).
    - service: ecr or ecr-public
    - repository_prefix: what every repository begins with; {prefix}-{name} if left out
    - replication_regions: regions that hold replicas (ecr only); provisionRegistry makes the replication rule
    - repository_defaults: what a new repository gets; an existing one is left as it is
    - catalog_data: what the gallery shows of a new repository (ecr-public only)
  EOT
  type = map(object({
    service             = optional(string, "ecr")
    repository_prefix   = optional(string)
    replication_regions = optional(list(string), [])
    repository_defaults = optional(object({
      image_tag_mutability = optional(string)
      scan_on_push         = optional(bool)
      kms_key_arn          = optional(string)
      keep_last            = optional(number)
      tags                 = optional(map(string))
    }), {})
    catalog_data = optional(object({
      description       = optional(string)
      about             = optional(string)
      usage             = optional(string)
      architectures     = optional(list(string))
      operating_systems = optional(list(string))
      logo              = optional(string)
    }))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(var.registries) > 0 || var.derived_registries != null
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
    condition     = alltrue([for registry in values(var.registries) : contains(["ecr", "ecr-public"], registry.service)])
    error_message = "A registry's service must be ecr or ecr-public."
  }
  validation {
    condition = alltrue([for name, registry in var.registries : can(regex(
      registry.service == "ecr-public"
      ? "^[a-z0-9]+(?:[._-][a-z0-9]+)*(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)*$"
      : "^[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*$",
      coalesce(registry.repository_prefix, "${var.prefix}-${name}")
    ))])
    error_message = "A repository_prefix must be a repository name in the service's grammar. Set one where the registry's name is none."
  }
  validation {
    condition     = alltrue([for name, registry in var.registries : length(coalesce(registry.repository_prefix, "${var.prefix}-${name}")) <= 128])
    error_message = "A repository_prefix must have at most 128 characters."
  }
  validation {
    # The same rule as the functions', which would refuse to start.
    condition = alltrue(flatten([
      for one, a in var.registries : [
        for other, b in var.registries : one == other || !anytrue([for separator in ["-", "/"] : startswith(
          "${coalesce(b.repository_prefix, "${var.prefix}-${other}")}${separator}",
          "${coalesce(a.repository_prefix, "${var.prefix}-${one}")}${separator}"
        )])
      ]
    ]))
    error_message = "No repository_prefix may equal another or extend it by - or /: a repository could belong to both."
  }
  validation {
    condition = alltrue(flatten([for registry in values(var.registries) : [
      for region in registry.replication_regions : can(regex("^[a-z]{2,4}(?:-[a-z]+)+-\\d{1,2}$", region))
    ]]))
    error_message = "replication_regions must be regions, as eu-west-1."
  }
  validation {
    condition = alltrue([for registry in values(var.registries) : registry.service == "ecr" ? registry.catalog_data == null : (
      length(registry.replication_regions) == 0 &&
      alltrue([for key, value in registry.repository_defaults : value == null || key == "tags"])
    )])
    error_message = "ECR Public knows catalog_data, and of repository_defaults the tags only; ECR knows no catalog_data."
  }
  validation {
    condition = alltrue([for registry in values(var.registries) :
      contains(["MUTABLE", "IMMUTABLE"], coalesce(registry.repository_defaults.image_tag_mutability, "MUTABLE"))
    ])
    error_message = "image_tag_mutability must be MUTABLE or IMMUTABLE."
  }
  validation {
    condition = alltrue([for registry in values(var.registries) :
      can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:key/.+$", coalesce(registry.repository_defaults.kms_key_arn, "arn:aws:kms:us-east-1:111122223333:key/none")))
    ])
    error_message = "kms_key_arn must be the ARN of a key: an alias cannot be put into a role's policy."
  }
}

variable "derived_registries" {
  description = <<-EOT
    Set it where registries are provisioned at run time, without a deployment of this module: the functions then find an
    unnamed registry by its name, and may work on every repository that begins with {prefix}-, at home and in these regions.
  EOT
  type        = object({ replication_regions = optional(list(string), []) })
  default     = null
}

variable "provision_roles" {
  description = <<-EOT
    Leave the pull and push roles of ECR registries, and the repository under each bare prefix, to provisionRegistry. By default they are
    made here. Those of ECR Public are always made here.
  EOT
  type        = bool
  default     = false
  nullable    = false
}
