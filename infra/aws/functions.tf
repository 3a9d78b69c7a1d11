locals {
  page_keys = [for number in [var.page_key_number, var.page_key_number - 1] : tostring(number)]

  environments = {
    for door in keys(var.doors) : door => {
      for name, value in merge(
        var.environment,
        { for name, registry in local.registries : registry.variable => local.bindings[name] },
        {
          ALIEN_DOOR                     = door
          ALIEN_REGISTRIES               = join(",", keys(var.registries))
          ALIEN_ACCESS_RULES_FILE        = var.access_rules_file
          ALIEN_ACCESS_RULES             = length(var.access_rules) == 0 ? null : jsonencode(local.access_rules)
          ALIEN_OIDC_ISSUERS             = door != "oidc" ? null : jsonencode(local.oidc_issuers)
          ALIEN_STACK_PREFIX             = var.derived_registries == null ? null : var.prefix
          ALIEN_LEASE_TABLE              = var.derived_registries == null ? null : local.lease_table
          ALIEN_ROLE_PATH                = local.role_path == "/" || (door != "provision" && var.derived_registries == null) ? null : local.role_path
          ALIEN_FUNCTION_ROLE_ARNS       = door != "provision" ? null : join(",", [for each in local.minting_doors : local.function_role_arns[each]])
          ALIEN_PERMISSIONS_BOUNDARY_ARN = door != "provision" ? null : local.minting_boundary
        },
      ) : name => value if value != null && value != ""
    }
  }
}

locals {
  # Under it the tokens are sealed with which lists go on. The key before it is still read, so that a rotation ends no list.
  page_environment = { for door in keys(var.doors) : door => contains(local.minting_doors, door) ? {
    ALIEN_PAGE_KEY = join(",", [for number in local.page_keys : random_bytes.page_key[number].base64])
  } : {} }
}

resource "random_bytes" "page_key" {
  for_each = toset(local.page_keys)

  length = 32
}

data "archive_file" "package" {
  # Not by its own path, which need not be known yet.
  count = var.package_file == null ? 1 : 0

  type             = "zip"
  source_dir       = var.package_path
  output_path      = "${path.root}/.terraform/${var.prefix}.zip"
  output_file_mode = "0644"
  excludes         = ["**/*.map"]
}

locals {
  package = var.package_file != null ? {
    file = var.package_file.path
    hash = filebase64sha256(var.package_file.path)
    } : {
    file = data.archive_file.package[0].output_path
    hash = data.archive_file.package[0].output_base64sha256
  }
  # Whoever can reach the public door takes no more of the account's concurrency than this, unless another number is named.
  reserved_concurrency = { oidc = 20 }
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = var.doors

  name              = "/aws/lambda/${var.prefix}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = one(var.kms_keys.logs[*].arn)
  skip_destroy      = var.keep.logs
  tags              = var.tags
}

resource "aws_lambda_function" "door" {
  for_each = var.doors

  function_name                  = "${var.prefix}-${each.key}"
  description                    = "Artifact registry: the ${each.key} door."
  role                           = aws_iam_role.function[each.key].arn
  runtime                        = "nodejs24.x"
  architectures                  = ["arm64"]
  handler                        = "index.handler"
  filename                       = local.package.file
  source_code_hash               = local.package.hash
  memory_size                    = each.value.memory_size
  timeout                        = each.value.timeout
  reserved_concurrent_executions = each.value.reserved_concurrency != null ? each.value.reserved_concurrency : lookup(local.reserved_concurrency, each.key, null)
  tags                           = var.tags

  environment {
    variables = merge(
      local.environments[each.key],
      local.page_environment[each.key],
      each.key == "events" ? { ALIEN_DEAD_LETTER_QUEUE_URL = aws_sqs_queue.dead_letters[0].url } : {},
    )
  }

  dynamic "vpc_config" {
    for_each = var.network[*]
    content {
      subnet_ids                  = vpc_config.value.subnet_ids
      security_group_ids          = vpc_config.value.security_group_ids
      ipv6_allowed_for_dual_stack = vpc_config.value.ipv6
    }
  }

  dynamic "tracing_config" {
    for_each = var.tracing ? ["Active"] : []
    content {
      mode = tracing_config.value
    }
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  lifecycle {
    precondition {
      # Room is left for the dead-letter queue's URL, or the keys of lists.
      condition     = length(jsonencode(local.environments[each.key])) <= 3900
      error_message = "The environment of the ${each.key} door exceeds Lambda's 4 KiB: put the rules into the package and name them with access_rules_file, or shorten catalog_data."
    }
  }

  depends_on = [aws_iam_role_policy.function, aws_iam_role_policy_attachment.network]
}

# Nobody gets lambda:InvokeFunction on a URL's function but under lambda:InvokedViaFunctionUrl: behind the platform door, who may
# invoke directly may write another caller's name into the event. For the oidc door, which is open to everybody, the
# provider adds both statements itself; for the platform door they are in the callers' policies (callers.tf).
resource "aws_lambda_function_url" "door" {
  for_each = { for door, type in { platform = "AWS_IAM", oidc = "NONE" } : door => type if contains(keys(var.doors), door) }

  function_name      = aws_lambda_function.door[each.key].function_name
  authorization_type = each.value
}
