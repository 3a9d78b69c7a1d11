# The policies are JSON files, one per concern; policies/doors.json says which door has which, and policies/operations.json for which
# operations, of which a door for callers has only those that its rules allow. What is here fills in the ARNs.
locals {
  ecr_arn    = "arn:${local.partition}:ecr:%s:${local.account}:repository/%s"
  public_arn = "arn:${local.partition}:ecr-public::${local.account}:repository/%s"
  function_arns = {
    for door in keys(var.doors) : door => "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.prefix}-${door}"
  }
  function_role_arns = {
    for door in keys(var.doors) : door => "arn:${local.partition}:iam::${local.account}:role/${var.prefix}-${door}"
  }

  # Whom the provision door makes. IAM knows no path of a role that is not there, when somebody looks for it.
  named_roles   = concat(flatten([for name in keys(local.ecr) : values(local.role_arns[name])]), local.derived_role_arns)
  roles_on_path = "arn:${local.partition}:iam::${local.account}:role${local.role_path}*"

  own         = [for space in local.spaces : format(local.ecr_arn, local.region, space.derived ? "${space.prefix}-*" : space.prefix)]
  inside_home = [for space in local.spaces : format(local.ecr_arn, local.region, "${space.prefix}-*")]
  # Where all registries have the same regions, their ARNs name any region, and each statement's condition those regions: as narrow, and shorter.
  grouped_regions = length(distinct([for space in local.spaces : join(" ", space.regions)])) == 1 && length(local.replica_regions) > 0
  inside_anywhere = [for space in local.spaces : format(local.ecr_arn, "*", "${space.prefix}-*")]
  repositories_anywhere = distinct(flatten([for space in local.spaces : [
    for end in(space.derived ? ["-*"] : ["", "-*"]) : format(local.ecr_arn, "*", "${space.prefix}${end}")
  ]]))

  replicas      = flatten([for space in local.spaces : [for region in space.regions : format(local.ecr_arn, region, space.derived ? "${space.prefix}-*" : space.prefix)]])
  inside_copies = flatten([for space in local.spaces : [for region in space.regions : format(local.ecr_arn, region, "${space.prefix}-*")]])
  public_own    = [for registry in values(local.ecr_public) : format(local.public_arn, registry.prefix)]
  public_inside = [for registry in values(local.ecr_public) : format(local.public_arn, "${registry.prefix}-*")]
  # Of each registry with a key: that of home, and of each replica region the one that is named, or the multi-Region key under the same name.
  keys = distinct(flatten([for registry in values(local.ecr) : [for key in registry.repository_defaults.kms_key[*] : concat([key.arn], [
    for region in registry.regions : lookup(key.replica_arns, region, replace(key.arn, "/^(arn:[^:]+:kms:)[^:]+(:\\d+:key/mrk-.+)$/", "$${1}${region}$${2}"))
  ])]]))

  # kept leaves derived registries out: they have no defaults, and so no lifecycle policy. own_repositories is what the
  # provision door tags only where it carries our tag already, since the tag is what makes a repository ours. Overlaps with
  # other registries are seen by names and tags alone, wherever they are (every_repository). Any region may have been one of
  # the registry's (repositories_anywhere), and repositories are made in those that are (regions). ECR lists all of an account's repositories or none (listed). probes are empty repositories, on which the functions find out whom AWS refuses.
  policy_values = {
    owners                  = local.owners
    regions                 = sort(setunion([local.region], local.replica_regions))
    repositories_home       = distinct(concat(local.own, local.inside_home))
    kept                    = flatten([for registry in values(local.ecr) : [for region in local.grouped_regions ? ["*"] : concat([local.region], registry.regions) : format(local.ecr_arn, region, "${registry.prefix}-*")] if registry.repository_defaults.keep_last != null])
    repositories            = local.grouped_regions ? local.repositories_anywhere : distinct(concat(local.own, local.inside_home, local.replicas, local.inside_copies))
    inside                  = local.grouped_regions ? local.inside_anywhere : distinct(concat(local.inside_home, local.inside_copies))
    listed                  = distinct(flatten([for space in local.spaces : [for region in concat([local.region], space.regions) : format(local.ecr_arn, region, "*")]]))
    derived_home            = [for _ in values(local.derived) : format(local.ecr_arn, local.region, "${var.prefix}-*")]
    keys                    = local.keys
    lease_table             = local.lease_table_arn
    minting_roles           = concat(flatten([for arns in values(local.role_arns) : values(arns)]), local.derived_role_arns)
    public_repositories     = concat(local.public_own, local.public_inside)
    public_inside           = local.public_inside
    setup_queue             = local.setup_queue_arn
    dead_letter_queue       = local.dead_letter_queue_arn
    own_repositories        = distinct(local.own)
    every_repository        = format(local.ecr_arn, "*", "*")
    repositories_anywhere   = local.repositories_anywhere
    probes                  = [for space in local.spaces : format(local.ecr_arn, "*", "${space.prefix}${space.derived ? "-*" : ""}--principals")]
    replication_role        = "arn:${local.partition}:iam::${local.account}:role/aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication"
    provisioned_roles       = local.role_path == "/" ? local.named_roles : [local.roles_on_path]
    read_roles              = local.role_path == "/" ? local.named_roles : concat([local.roles_on_path], [for arn in local.named_roles : replace(arn, ":role${local.role_path}", ":role/")])
    boundary                = local.minting_boundary
    queue_key               = var.kms_keys.queues[*].arn
    lease_key               = var.kms_keys.leases[*].arn
    public_registry         = "arn:${local.partition}:ecr-public::${local.account}:registry/${local.account}"
    every_public_repository = format(local.public_arn, "*")
  }

  operations = merge(local.operations_of, { lease-keys = local.operations_of["leases-reading"] })
  # By concern; the table's key is needed wherever the table is.
  operations_of = jsondecode(file("${path.module}/policies/operations.json"))
  # What is derived is known by its tags: every operation asks for them first. Who lists all repositories may describe each.
  unneeded = { for door, lacks in local.door_lacks : door => setunion(
    setsubtract(lacks, length(local.derived) > 0 ? ["repositories"] : []), contains(lacks, "listing") ? [] : ["repositories"]
  ) }
  # Who lets nobody push needs no push role.
  door_values = {
    for door, needs in local.door_needs : door => contains(needs, "push-pull") ? {} : { minting_roles = [for arn in local.policy_values.minting_roles : arn if endswith(arn, "-pull")] }
  }

  encrypts = anytrue([for registry in values(local.ecr) : registry.repository_defaults.kms_key != null])

  # A concern that nothing here has is in no role. Whether there is a key is known before its ARN is.
  concerns = {
    tracing             = var.tracing
    queue-keys          = var.kms_keys.queues != null
    lease-keys          = var.kms_keys.leases != null && length(local.spaces) > 0
    repositories        = length(local.spaces) > 0
    creation            = length(local.spaces) > 0
    lifecycle           = anytrue([for registry in values(local.ecr) : registry.repository_defaults.keep_last != null])
    encryption          = local.encrypts
    encryption-release  = local.encrypts
    deletions           = length(local.spaces) > 0
    listing             = length(local.spaces) > 0
    images-reading      = length(local.spaces) > 0
    image-deletions     = length(local.spaces) > 0
    grants-reading      = length(local.spaces) > 0
    grants              = length(local.spaces) > 0
    derived             = length(local.derived) > 0
    leases-reading      = length(local.spaces) > 0
    leases              = length(local.spaces) > 0
    provisioning        = length(local.spaces) > 0
    provisioning-roles  = length(local.spaces) > 0
    public-repositories = length(local.ecr_public) > 0
    public-alias        = length(local.ecr_public) > 0
    public-creation     = length(local.ecr_public) > 0
    public-deletions    = length(local.ecr_public) > 0

    public-images-reading  = length(local.ecr_public) > 0
    public-image-deletions = length(local.ecr_public) > 0
  }
  door_policies = merge([
    for door, names in jsondecode(file("${path.module}/policies/doors.json")) : {
      for name in names : "${door}/${name}" => jsonencode(jsondecode(templatefile(
        "${path.module}/policies/${name}.json.tftpl",
        {
          for key, value in merge(local.policy_values, lookup(local.door_values, door, {}), {
            log_streams = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${var.prefix}-${door}:*"
          }) : key => jsonencode(value)
        },
      ))) if lookup(local.concerns, name, true) && !contains(lookup(local.unneeded, door, []), name)
    } if contains(keys(var.doors), door)
  ]...)
}
