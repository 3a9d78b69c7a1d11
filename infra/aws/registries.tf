locals {
  # A derived registry is not known by name: it stands for all that begins with the prefix.
  derived = var.derived_registries == null ? {} : { "*" = var.derived_registries.replication_regions }

  registries = {
    for name, registry in var.registries : name => merge(registry, {
      prefix   = coalesce(registry.repository_prefix, "${var.prefix}-${name}")
      regions  = sort([for region in toset(registry.replication_regions) : region if region != local.region])
      variable = "ALIEN_${upper(replace(name, "-", "_"))}_BINDING"
    })
  }

  ecr        = { for name, registry in local.registries : name => registry if registry.service == "ecr" }
  ecr_public = { for name, registry in local.registries : name => registry if registry.service == "ecr-public" }

  # Prefixes with the regions of their replicas, the derived ones last.
  spaces = concat(
    [for registry in values(local.ecr) : { prefix = registry.prefix, regions = registry.regions, derived = false }],
    [for regions in values(local.derived) : {
      prefix  = var.prefix
      regions = sort([for region in toset(regions) : region if region != local.region])
      derived = true
    }],
  )
  replica_regions = toset(flatten(local.spaces[*].regions))
  owners          = concat([for registry in values(local.registries) : registry.prefix], [for _ in values(local.derived) : "${var.prefix}-*"])

  # {prefix}-pull and {prefix}-push, with a hash where that is no name of a role: the rule of provisionRegistry.
  role_names = {
    for name, registry in local.registries : name => {
      for kind in ["pull", "push"] : kind =>
      length(registry.prefix) + length(kind) + 1 <= 64 && !strcontains(registry.prefix, "/") ? "${registry.prefix}-${kind}" : join("-", [
        replace(substr("${replace(registry.prefix, "/", "-")}-${kind}", 0, 42 - length(kind)), "/-+$/", ""),
        substr(sha256(registry.prefix), 0, 20),
        kind,
      ])
    }
  }
  role_path = coalesce(var.role_path, "/${var.prefix}/")
  role_arns = {
    for name, names in local.role_names : name => { for kind, role in names : kind => "arn:${local.partition}:iam::${local.account}:role${local.role_path}${role}" }
  }
  derived_role_arns = flatten([for _ in values(local.derived) : [
    for kind in ["pull", "push"] : "arn:${local.partition}:iam::${local.account}:role${local.role_path}${var.prefix}-*-${kind}"
  ]])

  mints = length(local.minting_doors) > 0

  # What a binding leaves out is absent, never null.
  repository_defaults = {
    for name, registry in local.registries : name => {
      for key, value in {
        imageTagMutability           = registry.repository_defaults.image_tag_mutability
        imageTagMutabilityExclusions = registry.repository_defaults.image_tag_mutability_exclusions
        scanOnPush                   = registry.repository_defaults.scan_on_push
        encryptionType               = registry.repository_defaults.encryption_type
        kmsKey                       = one(registry.repository_defaults.kms_key[*].arn)
        replicaKmsKeys               = one([for key in registry.repository_defaults.kms_key[*] : key.replica_arns if length(key.replica_arns) > 0])
        keepLast                     = registry.repository_defaults.keep_last
        tags                         = registry.repository_defaults.tags
      } : key => value if value != null
    }
  }
  catalog_data = {
    for name, registry in local.ecr_public : name => {
      for key, value in {
        description      = try(registry.catalog_data.description, null)
        about            = try(registry.catalog_data.about, null)
        usage            = try(registry.catalog_data.usage, null)
        architectures    = try(registry.catalog_data.architectures, null)
        operatingSystems = try(registry.catalog_data.operating_systems, null)
        logo             = try(registry.catalog_data.logo, null)
      } : key => value if value != null
    }
  }
  bindings = {
    for name, registry in local.registries : name => jsonencode({
      for key, value in {
        service            = registry.service
        repositoryPrefix   = registry.prefix
        pullRoleArn        = local.mints ? local.role_arns[name].pull : null
        pushRoleArn        = local.mints ? local.role_arns[name].push : null
        replicationRegions = length(registry.regions) > 0 ? registry.regions : null
        leaseTable         = registry.service == "ecr" ? local.lease_table : null
        repositoryDefaults = length(local.repository_defaults[name]) > 0 ? local.repository_defaults[name] : null
        catalogData        = length(lookup(local.catalog_data, name, {})) > 0 ? local.catalog_data[name] : null
      } : key => value if value != null
    })
  }
}
