mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "archive" {}

mock_provider "random" {}

variables {
  prefix       = "acme"
  package_path = "../../dist/aws"
  role_path    = "/"
  doors        = { oidc = {} }
  oidc_issuers = [{ issuer = "https://token.example", audience = "acme" }]
  registries   = { images = {} }
}

run "every_field" {
  command = plan

  variables {
    access_rules = [
      {
        callers = [
          {
            issuer  = "https://token.example"
            subject = "repo:acme/*"
            claims = {
              repository_owner = "acme"
              job_workflow_ref = ["acme/ci/.github/workflows/push.yml@refs/heads/*", "acme/ci/.github/workflows/tag.yml@*"]
            }
          },
          { issuer = "https://token.example", subject = "worker", claims = { environment = "production" } },
          { issuer = "https://token.example", subject = "other" },
        ]
        operations    = ["generateCredentials"]
        registries    = ["images"]
        repositories  = ["*"]
        permissions   = ["pull", "push-pull"]
        maxTtlSeconds = 900
        via           = ["registry"]
        grantees      = ["aws:222233334444"]
        consumer      = "acme"
      },
      { callers = [{ issuer = "door", subject = "events" }], operations = ["setupRepository"], registries = ["*"], repositories = ["*"] },
      { callers = [], operations = [], registries = [], repositories = [], via = ["gateway", "registry"], maxTtlSeconds = 1 },
    ]
    oidc_issuers = [
      { issuer = "https://token.example", audience = "acme", maxTokenSeconds = 3600 },
      { issuer = "https://other.example", audience = "acme", jwksUri = "https://other.example/keys" },
    ]
  }

  assert {
    condition     = jsondecode(aws_lambda_function.door["oidc"].environment[0].variables.ALIEN_ACCESS_RULES) == jsondecode(jsonencode(var.access_rules))
    error_message = "Rules arrive as they were written, whatever fields each of them has."
  }
  assert {
    condition     = jsondecode(aws_lambda_function.door["oidc"].environment[0].variables.ALIEN_OIDC_ISSUERS) == jsondecode(jsonencode(var.oidc_issuers))
    error_message = "Issuers arrive as they were written."
  }
}

run "what_is_null" {
  command = plan

  variables {
    access_rules = [
      {
        callers       = [{ issuer = "https://token.example", subject = "worker", claims = null }]
        operations    = ["getRepository"]
        registries    = ["images"]
        repositories  = ["*"]
        permissions   = null
        maxTtlSeconds = null
        via           = null
        grantees      = null
        consumer      = null
      },
    ]
    oidc_issuers = [{ issuer = "https://token.example", audience = "acme", jwksUri = null, maxTokenSeconds = null }]
  }

  assert {
    condition = jsondecode(aws_lambda_function.door["oidc"].environment[0].variables.ALIEN_ACCESS_RULES) == jsondecode(jsonencode([
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["getRepository"], registries = ["images"], repositories = ["*"] },
    ]))
    error_message = "A module that passes rules on may leave fields out by null."
  }
  assert {
    condition     = jsondecode(aws_lambda_function.door["oidc"].environment[0].variables.ALIEN_OIDC_ISSUERS) == jsondecode(jsonencode([{ issuer = "https://token.example", audience = "acme" }]))
    error_message = "So may it with an issuer's."
  }
}

run "what_is_pulled_only" {
  command = plan

  variables {
    access_rules = [
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["generateCredentials"], registries = ["*"], repositories = ["*"] },
    ]
  }

  assert {
    condition     = sort([for key in keys(aws_iam_role_policy.function) : trimprefix(key, "oidc/")]) == sort(["logs", "sessions"])
    error_message = "Who lets callers pull neither pushes nor changes anything."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.function["oidc/sessions"].policy).Statement[0].Resource == ["arn:aws:iam::111122223333:role/acme-images-pull"]
    error_message = "Who lets nobody push assumes no push role."
  }
}

run "what_is_pushed" {
  command = plan

  variables {
    access_rules = [
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["generate*"], registries = ["*"], repositories = ["*"], permissions = ["pull", "push-pull"] },
    ]
  }

  assert {
    condition     = sort([for key in keys(aws_iam_role_policy.function) : trimprefix(key, "oidc/")]) == sort(["logs", "sessions"])
    error_message = "Who lets callers push deletes and grants nothing."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.function["oidc/sessions"].policy).Statement[0].Resource == [for kind in ["pull", "push"] : "arn:aws:iam::111122223333:role/acme-images-${kind}"]
    error_message = "Who pushes assumes both roles."
  }
}

run "what_is_created" {
  command = plan

  variables {
    access_rules = [
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["*Repository"], registries = ["*"], repositories = ["*"] },
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["x*", "DeleteRepository*", "getcredentials"], registries = ["*"], repositories = ["*"] },
    ]
  }

  assert {
    condition     = sort([for key in keys(aws_iam_role_policy.function) : trimprefix(key, "oidc/")]) == sort(["creation", "deletions", "grants", "grants-reading", "leases", "leases-reading", "logs", "repositories"])
    error_message = "A pattern stands for the operations that it fits, as in the functions."
  }
}

run "what_is_read" {
  command = plan

  variables {
    access_rules = [
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["getRepository", "getCrossAccountAccess"], registries = ["*"], repositories = ["*"] },
    ]
  }

  assert {
    condition     = sort([for key in keys(aws_iam_role_policy.function) : trimprefix(key, "oidc/")]) == sort(["grants-reading", "leases-reading", "logs", "repositories"])
    error_message = "Who reads does not write."
  }
}

run "rules_of_other_doors" {
  command = plan

  variables {
    access_rules = [
      { callers = [{ issuer = "door", subject = "worker" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = ["push-pull"] },
      { callers = [{ issuer = "https://other.example", subject = "worker" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = ["push-pull"] },
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["getCrossAccountAccess"], registries = ["*"], repositories = ["*"] },
    ]
  }

  assert {
    condition     = sort([for key in keys(aws_iam_role_policy.function) : trimprefix(key, "oidc/")]) == sort(["grants-reading", "leases-reading", "logs"])
    error_message = "Rules for callers of other doors give this one nothing."
  }
}

run "what_other_doors_serve" {
  command = plan

  variables {
    doors = { platform = {}, invoke = {}, events = {}, provision = {} }
    access_rules = [
      { callers = [{ issuer = "aws", subject = "111122223333:role/*" }], operations = ["generateCredentials"], registries = ["*"], repositories = ["*"] },
      { callers = [{ issuer = "door", subject = "invoke" }], operations = ["createRepository", "generateCredentials", "addCrossAccountAccess"], registries = ["*"], repositories = ["*"], permissions = ["push-pull"] },
    ]
  }

  assert {
    condition     = sort([for key in keys(aws_iam_role_policy.function) : key if startswith(key, "platform/")]) == sort(["platform/logs", "platform/sessions"])
    error_message = "A door for callers has the rights for what its rules allow, whichever door it is."
  }
  assert {
    condition     = sort([for key in keys(aws_iam_role_policy.function) : key if startswith(key, "invoke/")]) == sort(["invoke/creation", "invoke/leases-reading", "invoke/logs", "invoke/repositories", "invoke/sessions"])
    error_message = "Rules for other doors' callers are not its own, and a rule without grantees opens nothing."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.function["platform/sessions"].policy).Statement[0].Resource == ["arn:aws:iam::111122223333:role/acme-images-pull"] && length(jsondecode(aws_iam_role_policy.function["invoke/sessions"].policy).Statement[0].Resource) == 2
    error_message = "Where nobody pushes, the push role is out of reach."
  }
  assert {
    condition     = contains(keys(aws_iam_role_policy.function), "events/grants") && contains(keys(aws_iam_role_policy.function), "provision/provisioning")
    error_message = "Events and provisioning do not hang on rules: replicas get their grants in any case."
  }
}

run "what_is_pulled_from_derived_registries" {
  command = plan

  variables {
    registries         = {}
    derived_registries = {}
    access_rules       = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["generateCredentials"], registries = ["*"], repositories = ["*"] }]
  }

  assert {
    condition     = sort([for key in keys(aws_iam_role_policy.function) : trimprefix(key, "oidc/")]) == tolist(["derived", "logs", "repositories", "sessions"])
    error_message = "What is derived is known by its tags, whatever is asked."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.function["oidc/sessions"].policy).Statement[0].Resource == ["arn:aws:iam::111122223333:role/acme-*-pull"]
    error_message = "There too, who lets nobody push assumes no push role."
  }
}

run "what_is_listed" {
  command = plan

  variables {
    doors        = { oidc = {} }
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["list*", "removeGranteeAccess"], registries = ["*"], repositories = ["*"] }]
  }

  assert {
    condition     = sort([for key in keys(aws_iam_role_policy.function) : trimprefix(key, "oidc/")]) == sort(["grants-reading", "images-reading", "listing", "logs"])
    error_message = "Who lists deletes nothing, and a rule without grantees ends nobody."
  }
}

run "who_ends_consumers" {
  command = plan

  variables {
    doors        = { oidc = {} }
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["removeGranteeAccess", "deleteImage"], registries = ["*"], repositories = ["*"], grantees = ["aws:222233334444"] }]
  }

  assert {
    condition     = sort([for key in keys(aws_iam_role_policy.function) : trimprefix(key, "oidc/")]) == sort(["grants", "grants-reading", "image-deletions", "leases", "leases-reading", "listing", "logs"])
    error_message = "Who ends consumers edits policies, and deletes images where a rule says so."
  }
}

run "rules_in_a_file" {
  command = plan

  variables {
    access_rules_file = "/var/task/rules.json"
  }

  assert {
    condition     = sort([for key in keys(aws_iam_role_policy.function) : trimprefix(key, "oidc/")]) == sort(["creation", "deletions", "grants", "grants-reading", "image-deletions", "images-reading", "leases", "leases-reading", "listing", "logs", "sessions"])
    error_message = "What the plan does not see may allow everything."
  }
}

run "a_field_that_nobody_knows" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["*"], registries = ["*"], repositories = ["*"], maxTTLSeconds = 900 }]
  }

  expect_failures = [var.access_rules]
}

run "a_field_that_nobody_knows_and_is_null" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["*"], registries = ["*"], repositories = ["*"], maxTTLSeconds = null }]
  }

  expect_failures = [var.access_rules]
}

run "a_caller_with_a_field_that_nobody_knows" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker", claim = { environment = "production" } }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "a_rule_without_callers" {
  command = plan

  variables {
    access_rules = [{ operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "a_rule_whose_repositories_are_null" {
  command = plan

  variables {
    access_rules = [{ callers = [], operations = ["*"], registries = ["*"], repositories = null }]
  }

  expect_failures = [var.access_rules]
}

run "callers_that_are_no_list" {
  command = plan

  variables {
    access_rules = [{ callers = { one = { issuer = "https://token.example", subject = "worker" } }, operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "a_caller_without_a_subject" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example" }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "a_caller_whose_subject_is_null" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = null }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "claims_that_are_a_text" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker", claims = "environment" }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "a_claim_that_is_null" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker", claims = { environment = null, repository_owner = "acme" } }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "a_claim_that_is_a_number" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker", claims = { repository_owner_id = 42 } }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "a_claim_of_no_pattern" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker", claims = { environment = [] } }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "a_claim_with_a_pattern_that_is_null" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker", claims = { environment = ["production", null] } }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "operations_that_are_a_text" {
  command = plan

  variables {
    access_rules = [{ callers = [], operations = "*", registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "a_repository_that_is_null" {
  command = plan

  variables {
    access_rules = [{ callers = [], operations = ["*"], registries = ["*"], repositories = ["a", null] }]
  }

  expect_failures = [var.access_rules]
}

run "permissions_that_are_a_text" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = "pull" }]
  }

  expect_failures = [var.access_rules]
}

run "a_way_that_is_none" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["*"], registries = ["*"], repositories = ["*"], via = ["proxy"] }]
  }

  expect_failures = [var.access_rules]
}

run "a_lifetime_that_is_a_text" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["*"], registries = ["*"], repositories = ["*"], maxTtlSeconds = "900" }]
  }

  expect_failures = [var.access_rules]
}

run "a_lifetime_of_nothing" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["*"], registries = ["*"], repositories = ["*"], maxTtlSeconds = 0 }]
  }

  expect_failures = [var.access_rules]
}

run "half_a_second_of_lifetime" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["*"], registries = ["*"], repositories = ["*"], maxTtlSeconds = 0.5 }]
  }

  expect_failures = [var.access_rules]
}

run "a_consumer_that_is_a_list" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["*"], registries = ["*"], repositories = ["*"], consumer = ["acme"] }]
  }

  expect_failures = [var.access_rules]
}

run "an_issuer_with_a_field_that_nobody_knows" {
  command = plan

  variables {
    oidc_issuers = [{ issuer = "https://token.example", audience = "acme", maxTokenAge = 3600 }]
  }

  expect_failures = [var.oidc_issuers]
}

run "an_issuer_with_a_file" {
  command = plan

  variables {
    oidc_issuers = [{ issuer = "https://token.example", audience = "acme", caFile = "/etc/ssl/ca.pem" }]
  }

  expect_failures = [var.oidc_issuers]
}

run "an_issuer_whose_audience_is_null" {
  command = plan

  variables {
    oidc_issuers = [{ issuer = "https://token.example", audience = null }]
  }

  expect_failures = [var.oidc_issuers]
}

run "keys_over_http" {
  command = plan

  variables {
    oidc_issuers = [{ issuer = "https://token.example", audience = "acme", jwksUri = "http://token.example/keys" }]
  }

  expect_failures = [var.oidc_issuers]
}

run "an_age_that_is_a_text" {
  command = plan

  variables {
    oidc_issuers = [{ issuer = "https://token.example", audience = "acme", maxTokenSeconds = "3600" }]
  }

  expect_failures = [var.oidc_issuers]
}
