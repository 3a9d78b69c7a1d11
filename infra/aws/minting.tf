# The pull and push roles: each credential is a session of one of them, narrowed to one repository.
locals {
  minting_doors    = sort(setintersection(keys(var.doors), ["platform", "oidc", "invoke"]))
  minting_actions  = jsondecode(file("${path.module}/policies/actions.json"))
  boundary_of_all  = one(var.permissions_boundary[*].arn)
  minting_boundary = var.permissions_boundary != null ? var.permissions_boundary.arn : "arn:${local.partition}:iam::${local.account}:policy/${var.prefix}-minting-boundary"
  makes_boundary   = var.permissions_boundary == null && length(local.spaces) > 0

  boundary_policy = jsonencode(jsondecode(templatefile("${path.module}/policies/ecr-minting.json.tftpl", {
    actions      = jsonencode(concat(local.minting_actions.ecr.pull, local.minting_actions.ecr.push))
    repositories = jsonencode(local.policy_values.repositories_anywhere)
  })))

  minting_trust = jsonencode(jsondecode(templatefile("${path.module}/policies/minting-trust.json.tftpl", {
    account_root      = jsonencode("arn:${local.partition}:iam::${local.account}:root")
    minting_functions = jsonencode(sort([for door in local.minting_doors : local.function_role_arns[door]]))
  })))

  minting_roles = merge([
    for name, registry in local.registries : {
      for kind in ["pull", "push"] : "${name}/${kind}" => {
        name     = local.role_names[name][kind]
        prefix   = registry.prefix
        boundary = registry.service == "ecr" ? local.minting_boundary : local.boundary_of_all
        # What is pushed to a replica would be overwritten, or never replicated: pushes go home.
        policy = jsonencode(jsondecode(templatefile("${path.module}/policies/${registry.service}-minting${registry.service == "ecr" && kind == "push" ? "-push" : ""}.json.tftpl", {
          actions = jsonencode(kind == "push" && registry.service == "ecr-public" ? concat(
            local.minting_actions[registry.service].pull, local.minting_actions[registry.service].push
          ) : local.minting_actions[registry.service].pull)
          uploads           = jsonencode(local.minting_actions[registry.service].push)
          repositories_home = jsonencode([for end in ["", "-*"] : format(local.ecr_arn, local.region, "${registry.prefix}${end}")])
          repositories = jsonencode(registry.service == "ecr-public" ? [
            for end in ["", "-*"] : format(local.public_arn, "${registry.prefix}${end}")
            ] : flatten([for region in sort(concat([local.region], registry.regions)) : [
              for end in ["", "-*"] : format(local.ecr_arn, region, "${registry.prefix}${end}")
          ]]))
        })))
      }
    } if local.mints && (registry.service == "ecr-public" || !var.provision_roles)
  ]...)
}

resource "aws_iam_role" "minting" {
  for_each = local.minting_roles

  name                 = each.value.name
  path                 = local.role_path
  description          = "Mints credentials for the artifact registry ${each.value.prefix}."
  assume_role_policy   = local.minting_trust
  max_session_duration = 43200
  permissions_boundary = each.value.boundary
  tags                 = merge(var.tags, { "alien:artifact-registry" = each.value.prefix })

  # The boundary's ARN is known before the policy is there.
  depends_on = [aws_iam_policy.minting_boundary]
}

resource "aws_iam_role_policy" "minting" {
  for_each = local.minting_roles

  # The name that provisionRegistry uses, so that it finds what is made here.
  name   = "artifact-registry"
  role   = aws_iam_role.minting[each.key].name
  policy = each.value.policy

  lifecycle {
    precondition {
      condition     = length(each.value.policy) <= 10240
      error_message = "The policy of ${each.value.name} exceeds 10,240 characters: name fewer regions."
    }
  }
}

# What a role that the provision door makes can do at most, whatever is written into it.
resource "aws_iam_policy" "minting_boundary" {
  count = local.makes_boundary ? 1 : 0

  name        = "${var.prefix}-minting-boundary"
  description = "Bounds the pull and push roles of the artifact registry ${var.prefix}."
  tags        = var.tags
  policy      = local.boundary_policy

  lifecycle {
    precondition {
      condition     = length(local.boundary_policy) <= 6144
      error_message = "The permissions boundary exceeds 6,144 characters: serve fewer registries with one deployment, or name a permissions_boundary of your own."
    }
  }
}

# The repository under the bare prefix holds the deployment images; its tags say whose registry it is.
resource "aws_ecr_repository" "own" {
  for_each = var.provision_roles ? {} : local.ecr

  name                 = each.value.prefix
  image_tag_mutability = each.value.repository_defaults.image_tag_mutability
  tags                 = merge(var.tags, { "alien:artifact-registry" = each.value.prefix })

  dynamic "image_scanning_configuration" {
    for_each = each.value.repository_defaults.scan_on_push == null ? [] : [each.value.repository_defaults.scan_on_push]
    content {
      scan_on_push = image_scanning_configuration.value
    }
  }

  dynamic "image_tag_mutability_exclusion_filter" {
    for_each = coalesce(each.value.repository_defaults.image_tag_mutability_exclusions, [])
    content {
      filter      = image_tag_mutability_exclusion_filter.value
      filter_type = "WILDCARD"
    }
  }

  dynamic "encryption_configuration" {
    for_each = each.value.repository_defaults.kms_key == null && each.value.repository_defaults.encryption_type == null ? [] : [each.value.repository_defaults]
    content {
      encryption_type = coalesce(encryption_configuration.value.encryption_type, "KMS")
      kms_key         = one(encryption_configuration.value.kms_key[*].arn)
    }
  }

  force_delete = var.delete_images

  # What stands here is destroyed before all this. A repository that still holds images is refused then, and nothing else is gone yet.
  depends_on = [
    aws_lambda_function.door, aws_lambda_function_url.door, aws_lambda_event_source_mapping.setup, aws_iam_role_policy.minting,
    aws_dynamodb_table.leases, aws_cloudwatch_event_target.home, aws_cloudwatch_event_target.replica, aws_iam_role_policy_attachment.caller,
  ]

  lifecycle {
    # provisionRegistry writes down here which regions may hold replicas.
    ignore_changes = [tags["alien:artifact-registry:regions"], tags_all["alien:artifact-registry:regions"]]
  }
}
