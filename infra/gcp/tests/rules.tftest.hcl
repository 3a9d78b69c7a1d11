mock_provider "google" {
  source = "./tests/mocks/google"
}

mock_provider "archive" {
  source = "./tests/mocks/archive"
}

mock_provider "time" {}

mock_provider "random" {}

variables {
  project_id   = "acme-functions"
  region       = "europe-west1"
  prefix       = "acme"
  package_path = "../../dist/gcp"
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
    condition     = jsondecode(google_cloudfunctions2_function.door["oidc"].service_config[0].environment_variables.ALIEN_ACCESS_RULES) == jsondecode(jsonencode(var.access_rules))
    error_message = "Rules arrive as they were written, whatever fields each of them has."
  }
  assert {
    condition     = jsondecode(google_cloudfunctions2_function.door["oidc"].service_config[0].environment_variables.ALIEN_OIDC_ISSUERS) == jsondecode(jsonencode(var.oidc_issuers))
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
    condition = jsondecode(google_cloudfunctions2_function.door["oidc"].service_config[0].environment_variables.ALIEN_ACCESS_RULES) == jsondecode(jsonencode([
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["getRepository"], registries = ["images"], repositories = ["*"] },
    ]))
    error_message = "A module that passes rules on may leave fields out by null."
  }
  assert {
    condition     = jsondecode(google_cloudfunctions2_function.door["oidc"].service_config[0].environment_variables.ALIEN_OIDC_ISSUERS) == jsondecode(jsonencode([{ issuer = "https://token.example", audience = "acme" }]))
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
    condition     = sort(concat([for key in keys(google_artifact_registry_repository_iam_member.function) : trimprefix(key, "oidc/images/")], [for key in keys(google_service_account_iam_member.function) : trimprefix(key, "oidc/images/")])) == sort(["pull/minting"])
    error_message = "Who lets callers pull neither pushes nor changes anything."
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
    condition     = sort(concat([for key in keys(google_artifact_registry_repository_iam_member.function) : trimprefix(key, "oidc/images/")], [for key in keys(google_service_account_iam_member.function) : trimprefix(key, "oidc/images/")])) == sort(["pull/minting", "push/minting"])
    error_message = "Who lets callers push deletes and grants nothing."
  }
}

run "what_is_created" {
  command = plan

  variables {
    access_rules = [
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["*Repository"], registries = ["*"], repositories = ["*"], grantees = ["gcp:444455556666"] },
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["x*", "DeleteRepository*", "getcredentials"], registries = ["*"], repositories = ["*"] },
    ]
  }

  assert {
    condition     = sort(concat([for key in keys(google_artifact_registry_repository_iam_member.function) : trimprefix(key, "oidc/images/")], [for key in keys(google_service_account_iam_member.function) : trimprefix(key, "oidc/images/")])) == sort(["deletions", "grants", "grants_reading", "image_deletions", "images", "packages"])
    error_message = "A pattern stands for the operations that it fits, as in the functions."
  }
}

run "what_is_granted_to_nobody" {
  command = plan

  variables {
    access_rules = [
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["*"], registries = ["*"], repositories = ["*"], grantees = [] },
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["setup*", "add*", "remove*"], registries = ["*"], repositories = ["*"] },
    ]
  }

  assert {
    condition     = sort([for key in keys(google_artifact_registry_repository_iam_member.function) : trimprefix(key, "oidc/images/")]) == sort(["deletions", "grants_reading", "image_deletions", "images", "listing", "packages", "registry"])
    error_message = "A door that lets nobody edit grants may not write the policy."
  }
}

run "what_is_listed" {
  command = plan

  variables {
    access_rules = [
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["list*"], registries = ["*"], repositories = ["*"] },
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["removeGranteeAccess"], registries = ["*"], repositories = ["*"] },
    ]
  }

  assert {
    condition     = sort([for key in keys(google_artifact_registry_repository_iam_member.function) : trimprefix(key, "oidc/images/")]) == sort(["grants_reading", "images", "listing"])
    error_message = "Who lists deletes nothing, and ends nobody's access without grantees."
  }
}

run "what_is_ended" {
  command = plan

  variables {
    access_rules = [
      { callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["deleteImage", "removeGranteeAccess"], registries = ["*"], repositories = ["*"], grantees = ["gcp:*"] },
    ]
  }

  assert {
    condition     = sort([for key in keys(google_artifact_registry_repository_iam_member.function) : trimprefix(key, "oidc/images/")]) == sort(["grants", "grants_reading", "image_deletions"])
    error_message = "Who deletes images deletes no repositories; who ends a consumer edits the policy."
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
    condition     = sort(concat([for key in keys(google_artifact_registry_repository_iam_member.function) : trimprefix(key, "oidc/images/")], [for key in keys(google_service_account_iam_member.function) : trimprefix(key, "oidc/images/")])) == sort(["grants_reading", "packages"])
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
    condition     = sort(concat([for key in keys(google_artifact_registry_repository_iam_member.function) : trimprefix(key, "oidc/images/")], [for key in keys(google_service_account_iam_member.function) : trimprefix(key, "oidc/images/")])) == sort(["grants_reading"])
    error_message = "Rules for callers of other doors give this one nothing."
  }
}

run "every_door_by_its_rules" {
  command = plan

  variables {
    doors = { platform = {}, oidc = {}, invoke = {}, events = {} }
    access_rules = [
      { callers = [{ issuer = "gcp", subject = "deploy@acme-ci.iam.gserviceaccount.com" }], operations = ["generateCredentials"], registries = ["*"], repositories = ["*"] },
      { callers = [{ issuer = "door", subject = "events" }], operations = ["setupRepository"], registries = ["*"], repositories = ["*"], grantees = ["gcp:444455556666"] },
    ]
  }

  assert {
    condition     = sort(concat(keys(google_artifact_registry_repository_iam_member.function), keys(google_service_account_iam_member.function))) == sort(["platform/images/pull/minting", "events/images/grants", "events/images/grants_reading", "events/images/packages", "invoke/images/grants", "invoke/images/grants_reading", "invoke/images/packages"])
    error_message = "Each door has what the rules for its callers need; the doors that tell no callers apart share their rules."
  }
}

run "what_is_pulled_from_derived_registries" {
  command = plan

  variables {
    registries          = {}
    registry_project_id = "acme-registries"
    derived_registries  = true
    access_rules        = [{ callers = [{ issuer = "https://token.example", subject = "worker" }], operations = ["generateCredentials"], registries = ["*"], repositories = ["*"] }]
  }

  assert {
    condition     = keys(google_project_iam_member.function) == ["oidc/registry"]
    error_message = "What is derived is known by its label, whatever is asked."
  }
}

run "rules_in_a_file" {
  command = plan

  variables {
    access_rules_file = "/workspace/rules.json"
  }

  assert {
    condition     = sort(concat([for key in keys(google_artifact_registry_repository_iam_member.function) : trimprefix(key, "oidc/images/")], [for key in keys(google_service_account_iam_member.function) : trimprefix(key, "oidc/images/")])) == sort(["deletions", "grants", "grants_reading", "image_deletions", "images", "listing", "packages", "pull/minting", "push/minting", "registry"])
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
