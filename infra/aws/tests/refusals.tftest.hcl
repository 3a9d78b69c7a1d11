mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "archive" {}

mock_provider "random" {}

variables {
  prefix       = "acme"
  package_path = "../../dist/aws"
  registries   = { images = {} }
}

run "a_prefix_that_is_no_name" {
  command = plan

  variables {
    prefix = "Acme_"
  }

  expect_failures = [var.prefix]
}

run "a_door_that_is_none" {
  command = plan

  variables {
    doors = { admin = {} }
  }

  expect_failures = [var.doors]
}

run "no_door" {
  command = plan

  variables {
    doors = {}
  }

  expect_failures = [var.doors]
}

run "a_timeout_beyond_the_lease" {
  command = plan

  variables {
    doors = { invoke = { timeout = 60 } }
  }

  expect_failures = [var.doors]
}

run "a_timeout_within_an_operation" {
  command = plan

  variables {
    doors = { invoke = { timeout = 25 } }
  }

  expect_failures = [var.doors]
}

run "the_public_door_without_issuers" {
  command = plan

  variables {
    doors = { oidc = {} }
  }

  expect_failures = [var.doors]
}

run "an_issuer_over_http" {
  command = plan

  variables {
    oidc_issuers = [{ issuer = "http://token.example", audience = "acme" }]
  }

  expect_failures = [var.oidc_issuers]
}

run "an_issuer_twice" {
  command = plan

  variables {
    oidc_issuers = [{ issuer = "https://token.example", audience = "a" }, { issuer = "https://token.example", audience = "b" }]
  }

  expect_failures = [var.oidc_issuers]
}

run "a_rule_for_any_issuer" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "*", subject = "*" }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "a_rule_for_a_permission_that_is_none" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "door", subject = "invoke" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = ["push"] }]
  }

  expect_failures = [var.access_rules]
}

run "rules_twice" {
  command = plan

  variables {
    access_rules      = [{ callers = [], operations = ["*"], registries = ["*"], repositories = ["*"] }]
    access_rules_file = "/var/task/rules.json"
  }

  expect_failures = [var.access_rules_file]
}

run "a_caller_of_a_door_without_callers" {
  command = plan

  variables {
    callers = { events = { pipeline = "deploy" } }
  }

  expect_failures = [var.callers]
}

run "a_caller_of_a_door_that_is_not_there" {
  command = plan

  variables {
    callers = { provision = { pipeline = "deploy" } }
  }

  expect_failures = [var.callers]
}

run "a_boundary_that_is_no_policy" {
  command = plan

  variables {
    permissions_boundary = { arn = "arn:aws:iam::111122223333:role/ours" }
  }

  expect_failures = [var.permissions_boundary]
}

run "a_retention_that_cloudwatch_does_not_know" {
  command = plan

  variables {
    log_retention_days = 8
  }

  expect_failures = [var.log_retention_days]
}

run "rules_that_do_not_fit" {
  command = plan

  variables {
    doors        = { invoke = {} }
    access_rules = [for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x"] : { callers = [{ issuer = "door", subject = "invoke" }], operations = ["createRepository"], registries = ["images"], repositories = ["acme-images-${name}-*"] }]
  }

  expect_failures = [aws_lambda_function.door]
}

run "policies_that_do_not_fit" {
  command = plan

  variables {
    doors        = { invoke = {} }
    access_rules = [{ callers = [{ issuer = "door", subject = "invoke" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = ["pull", "push-pull"], grantees = ["aws:*"] }]
    registries   = { for name in ["a", "b", "c", "d", "e", "f", "g", "h"] : "registry-${name}" => { replication_regions = ["eu-west-1", name == "h" ? "us-west-2" : "eu-central-1"] } }
  }

  expect_failures = [aws_iam_role_policy.function]
}

run "no_package" {
  command = plan

  variables {
    package_path = null
  }

  expect_failures = [var.package_path]
}

run "a_package_that_is_no_zip" {
  command = plan

  variables {
    package_path = null
    package_file = { path = "./versions.tf" }
  }

  expect_failures = [var.package_file]
}

run "a_variable_of_ours" {
  command = plan

  variables {
    environment = { ALIEN_ACCESS_RULES = "[]" }
  }

  expect_failures = [var.environment]
}

run "a_binding_from_outside" {
  command = plan

  variables {
    environment = { ALIEN_OTHER_BINDING = "{}" }
  }

  expect_failures = [var.environment]
}

run "a_variable_of_lambda" {
  command = plan

  variables {
    environment = { AWS_SESSION_TOKEN = "mine" }
  }

  expect_failures = [var.environment]
}

run "an_alias_for_a_key" {
  command = plan

  variables {
    kms_keys = { logs = { arn = "arn:aws:kms:us-east-1:111122223333:alias/logs" } }
  }

  expect_failures = [var.kms_keys]
}

run "a_network_without_subnets" {
  command = plan

  variables {
    network = { subnet_ids = [], security_group_ids = ["sg-1"] }
  }

  expect_failures = [var.network]
}

run "a_path_without_slashes" {
  command = plan

  variables {
    role_path = "acme"
  }

  expect_failures = [var.role_path]
}

run "a_tag_that_is_too_long" {
  command = plan

  variables {
    tags = { team = join("", [for _ in range(257) : "a"]) }
  }

  expect_failures = [var.tags]
}

run "a_pattern_that_does_not_fit" {
  command = plan

  variables {
    doors               = { events = {} }
    setup_event_sources = [for number in range(200) : "com.example.projects.source-${number}"]
  }

  expect_failures = [aws_cloudwatch_event_rule.home]
}

run "a_boundary_that_does_not_fit" {
  command = plan

  variables {
    doors      = { events = {} }
    registries = { for number in range(60) : "registry-${number}" => {} }
  }

  expect_failures = [aws_iam_policy.minting_boundary, aws_iam_role_policy.function]
}
