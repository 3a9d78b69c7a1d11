variable "registries" {
  description = <<-EOT
    The registries that the functions serve, by name (1 to 64 characters of A-Z, a-z, 0-9, - and _).
    - service: ecr or ecr-public
    - repository_prefix: what every repository begins with; {prefix}-{name} if left out
    - replication_regions: regions that hold replicas (ecr only); provisionRegistry makes the replication rule
    - repository_defaults: what a new repository gets, and its replicas; an existing one is left as it is.
      image_tag_mutability_exclusions belong to the two kinds of mutability WITH_EXCLUSION. kms_key is { arn, replica_arns }: a key
      is in one region, so that replica_arns name the one of each replica region; a multi-Region key (mrk-…) is used in each
    - catalog_data: what the gallery shows of a new repository (ecr-public only)
  EOT
  type = map(object({
    service             = optional(string, "ecr")
    repository_prefix   = optional(string)
    replication_regions = optional(list(string), [])
    repository_defaults = optional(object({
      image_tag_mutability            = optional(string)
      image_tag_mutability_exclusions = optional(list(string))
      scan_on_push                    = optional(bool)
      encryption_type                 = optional(string)
      kms_key                         = optional(object({ arn = string, replica_arns = optional(map(string), {}) }))
      # Refused below: without them here Terraform would drop what an earlier version took, and a repository would lose its key.
      kms_key_arn          = optional(string)
      replica_kms_key_arns = optional(map(string))
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
    condition = alltrue([for registry in values(var.registries) : contains(
      ["MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"],
      coalesce(registry.repository_defaults.image_tag_mutability, "MUTABLE")
    )])
    error_message = "image_tag_mutability must be MUTABLE or IMMUTABLE, or one of them with _WITH_EXCLUSION."
  }
  validation {
    condition = alltrue([for registry in values(var.registries) :
      registry.repository_defaults.image_tag_mutability_exclusions == null
      ? !endswith(coalesce(registry.repository_defaults.image_tag_mutability, "MUTABLE"), "_WITH_EXCLUSION")
      : endswith(coalesce(registry.repository_defaults.image_tag_mutability, "MUTABLE"), "_WITH_EXCLUSION")
    ])
    error_message = "image_tag_mutability_exclusions belong to a mutability WITH_EXCLUSION, which needs them."
  }
  validation {
    condition = alltrue([for exclusions in [for registry in values(var.registries) : coalesce(registry.repository_defaults.image_tag_mutability_exclusions, ["none"])] :
      length(exclusions) >= 1 && length(exclusions) <= 5 && alltrue([for tag in exclusions : can(regex("^[0-9a-zA-Z._*-]{1,128}$", tag))])
    ])
    error_message = "image_tag_mutability_exclusions must be 1 to 5 tags, or parts of tags with *."
  }
  validation {
    condition = alltrue([for registry in values(var.registries) :
      contains(["KMS", "KMS_DSSE"], coalesce(registry.repository_defaults.encryption_type, "KMS"))
    ])
    error_message = "encryption_type must be KMS or KMS_DSSE; without it and without a key ECR encrypts by itself."
  }
  validation {
    condition     = alltrue([for registry in values(var.registries) : registry.repository_defaults.kms_key_arn == null && registry.repository_defaults.replica_kms_key_arns == null])
    error_message = "kms_key_arn and replica_kms_key_arns are kms_key = { arn, replica_arns } now."
  }
  validation {
    condition = alltrue(flatten([for registry in values(var.registries) : [
      for key in registry.repository_defaults.kms_key[*] : [
        for arn in concat([key.arn], values(key.replica_arns)) : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:key/.+$", arn))
      ]
    ]]))
    error_message = "kms_key must have ARNs of keys: an alias cannot be put into a role's policy."
  }
  validation {
    condition = alltrue(flatten([for registry in values(var.registries) : [
      for key in registry.repository_defaults.kms_key[*] : [
        for region, arn in key.replica_arns : contains(registry.replication_regions, region) && split(":", "${arn}::::")[3] == region
      ]
    ]]))
    error_message = "replica_arns are keys of replication_regions, each in its own region."
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
