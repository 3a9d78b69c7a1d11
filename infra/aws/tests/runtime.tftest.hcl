mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "archive" {}

mock_provider "random" {}

variables {
  prefix       = "acme"
  package_path = "../../dist/aws"
  doors        = { platform = {}, oidc = {}, invoke = {}, events = {}, provision = {} }
  oidc_issuers = [{ issuer = "https://token.example", audience = "acme" }]
  access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }, { issuer = "aws", subject = "*" }, { issuer = "door", subject = "invoke" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = ["pull", "push-pull"] }]
  registries   = { images = { replication_regions = ["eu-west-1"] } }
}

run "by_default" {
  command = plan

  assert {
    condition     = length(aws_iam_role_policy_attachment.network) == 0 && length([for key in keys(aws_iam_role_policy.function) : key if can(regex("tracing|-keys", key))]) == 0
    error_message = "Nobody has rights for what is not asked for."
  }
  assert {
    condition     = aws_sqs_queue.setup[0].sqs_managed_sse_enabled && aws_sqs_queue.dead_letters[0].sqs_managed_sse_enabled && !aws_dynamodb_table.leases[0].deletion_protection_enabled && !aws_ecr_repository.own["images"].force_delete
    error_message = "AWS's own keys encrypt the queues, the table goes with the module, and images do not."
  }
  assert {
    condition     = alltrue([for group in values(aws_cloudwatch_log_group.function) : !group.skip_destroy])
    error_message = "Logs go with their door."
  }
}

# A package from elsewhere: a plan and an apply in two jobs see the same file.
run "a_package_that_was_built" {
  command = plan

  variables {
    package_path = null
    package_file = { path = "tests/package.zip" }
  }

  assert {
    condition = length(data.archive_file.package) == 0 && alltrue([for function in values(aws_lambda_function.door) :
      function.filename == "tests/package.zip" && function.source_code_hash == filebase64sha256("tests/package.zip")
    ])
    error_message = "Nothing is zipped here, and a function changes when the file does."
  }
}

run "two_packages" {
  command = plan

  variables {
    package_file = { path = "tests/package.zip" }
  }

  expect_failures = [var.package_path]
}

run "keys" {
  command = plan

  variables {
    kms_keys = { for name in ["logs", "queues", "leases"] : name => { arn = "arn:aws:kms:us-east-1:111122223333:key/${name}" } }
  }

  assert {
    condition = (
      alltrue([for group in values(aws_cloudwatch_log_group.function) : group.kms_key_id == var.kms_keys.logs.arn])
      && alltrue([for queue in concat(aws_sqs_queue.setup, aws_sqs_queue.dead_letters) : queue.kms_master_key_id == var.kms_keys.queues.arn])
      && aws_dynamodb_table.leases[0].server_side_encryption[0].kms_key_arn == var.kms_keys.leases.arn
    )
    error_message = "Logs, queues and table are encrypted under the keys that are named."
  }
  assert {
    condition     = [for key in keys(aws_iam_role_policy.function) : key if endswith(key, "/queue-keys")] == ["events/queue-keys"] && length([for key in keys(aws_iam_role_policy.function) : key if endswith(key, "/lease-keys")]) == 5
    error_message = "Who uses them may use their keys."
  }
}

run "the_public_door_without_leases" {
  command = plan

  variables {
    kms_keys = { leases = { arn = "arn:aws:kms:us-east-1:111122223333:key/leases" } }
    access_rules = [
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["generateCredentials"], registries = ["*"], repositories = ["*"] },
      { callers = [{ issuer = "door", subject = "invoke" }], operations = ["getCrossAccountAccess"], registries = ["*"], repositories = ["*"] },
    ]
  }

  assert {
    condition     = !contains(keys(aws_iam_role_policy.function), "oidc/lease-keys") && contains(keys(aws_iam_role_policy.function), "invoke/lease-keys")
    error_message = "Who never reads the table has no right on its key."
  }
}

run "network_and_traces" {
  command = plan

  variables {
    network     = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"], ipv6 = true }
    tracing     = true
    environment = { AWS_USE_FIPS_ENDPOINT = "true", AWS_USE_DUALSTACK_ENDPOINT = "true" }
  }

  assert {
    condition = alltrue([for function in values(aws_lambda_function.door) :
      function.vpc_config[0].subnet_ids == toset(["subnet-1", "subnet-2"]) && function.vpc_config[0].ipv6_allowed_for_dual_stack
      && function.tracing_config[0].mode == "Active" && function.environment[0].variables.AWS_USE_FIPS_ENDPOINT == "true"
    ])
    error_message = "Every function is in the network, is traced, and has the further variables."
  }
  assert {
    condition     = length(aws_iam_role_policy_attachment.network) == 5 && length([for key in keys(aws_iam_role_policy.function) : key if endswith(key, "/tracing")]) == 5
    error_message = "Lambda may put them there, and send their traces."
  }
}

run "what_is_kept" {
  command = plan

  variables {
    keep          = { logs = true, lease_table = true }
    delete_images = true
    doors         = { invoke = {}, oidc = { reserved_concurrency = -1 } }
  }

  assert {
    condition     = alltrue([for group in values(aws_cloudwatch_log_group.function) : group.skip_destroy]) && aws_dynamodb_table.leases[0].deletion_protection_enabled && aws_ecr_repository.own["images"].force_delete
    error_message = "Logs and table stay on wish, and images go on wish."
  }
  assert {
    condition     = aws_lambda_function.door["oidc"].reserved_concurrent_executions == -1
    error_message = "The public door may share the account's concurrency."
  }
}

run "a_path_of_our_own" {
  command = plan

  variables {
    provision_roles    = true
    derived_registries = {}
  }

  assert {
    condition = (
      output.minting_role_arns.images.pull == "arn:aws:iam::111122223333:role/acme/acme-images-pull"
      && aws_lambda_function.door["provision"].environment[0].variables.ALIEN_ROLE_PATH == "/acme/"
      && aws_lambda_function.door["invoke"].environment[0].variables.ALIEN_ROLE_PATH == "/acme/"
    )
    error_message = "Pull and push roles are on a path of their own, which the functions are told."
  }
  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_role_policy.function["provision/provisioning-roles"].policy).Statement :
      statement.Sid == "Read" || statement.Resource == ["arn:aws:iam::111122223333:role/acme/*"]
    ])
    error_message = "The provision door changes no role that is not on it."
  }
  assert {
    condition     = contains(jsondecode(aws_iam_role_policy.function["invoke/sessions"].policy).Statement[0].Resource, "arn:aws:iam::111122223333:role/acme/acme-*-pull")
    error_message = "The doors that mint assume the roles where they are."
  }
}

# As many as IAM takes with the roles on a path of their own. By their names, the ninth would be too many.
run "many_registries" {
  command = plan

  variables {
    doors           = { provision = {} }
    provision_roles = true
    registries      = { for number in range(12) : "registry-${number}" => { replication_regions = ["eu-west-1"] } }
  }

  assert {
    condition     = sum([for key, policy in aws_iam_role_policy.function : length(policy.policy) if startswith(key, "provision/")]) <= 10240
    error_message = "The provision door's policies fit for a dozen registries."
  }
}

run "many_registries_for_callers" {
  command = plan

  variables {
    doors        = { invoke = {} }
    access_rules = [{ callers = [{ issuer = "door", subject = "invoke" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = ["pull", "push-pull"], grantees = ["aws:*"] }]
    registries   = { for number in range(9) : "registry-${number}" => { replication_regions = ["eu-west-1"] } }
  }

  assert {
    condition     = sum([for key, policy in aws_iam_role_policy.function : length(policy.policy)]) <= 10240
    error_message = "The policies of a door for callers fit for nine registries, with regions that they have in common."
  }
}

# Eighteen rules by their names would be too long for a trust policy.
run "many_regions" {
  command = plan

  variables {
    prefix     = "a-prefix-that-is-as-long-as-one-may-be-a"
    doors      = { events = {} }
    registries = { images = { repository_prefix = "images", replication_regions = ["af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"] } }
  }

  assert {
    condition     = length(aws_iam_role.forwarding[0].assume_role_policy) <= 2048
    error_message = "A trust policy has 2,048 characters, however many regions there are."
  }
}

run "keys_of_lists" {
  # The keys are made when it is applied.
  command = apply

  variables {
    page_key_number = 3
  }

  assert {
    condition     = keys(random_bytes.page_key) == ["2", "3"]
    error_message = "There is the key, and the one before it."
  }
  assert {
    condition = alltrue([for door in ["platform", "oidc", "invoke"] :
      aws_lambda_function.door[door].environment[0].variables.ALIEN_PAGE_KEY == "${random_bytes.page_key["3"].base64},${random_bytes.page_key["2"].base64}"
    ])
    error_message = "The doors for callers seal under the newer key, and read the older one."
  }
  assert {
    condition     = alltrue([for door in ["events", "provision"] : !contains(keys(aws_lambda_function.door[door].environment[0].variables), "ALIEN_PAGE_KEY")])
    error_message = "Whoever lists nothing has no key."
  }
}
