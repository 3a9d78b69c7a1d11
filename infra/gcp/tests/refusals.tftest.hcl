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
  oidc_issuers = [{ issuer = "https://token.example", audience = "acme" }]
  registries   = { images = {} }
}

run "a_project_number" {
  command = plan

  variables {
    project_id = "111122223333"
  }

  expect_failures = [var.project_id]
}

run "a_multi_region" {
  command = plan

  variables {
    region = "europe"
  }

  expect_failures = [var.region]
}

run "a_prefix_that_is_too_long" {
  command = plan

  variables {
    prefix = "twenty-one-characters"
  }

  expect_failures = [var.prefix]
}

run "a_prefix_that_ends_with_a_dash" {
  command = plan

  variables {
    prefix = "acme-"
  }

  expect_failures = [var.prefix]
}

run "no_door" {
  command = plan

  variables {
    doors = {}
  }

  expect_failures = [var.doors]
}

run "a_door_that_is_none" {
  command = plan

  variables {
    doors = { local = {} }
  }

  expect_failures = [var.doors]
}

run "a_timeout_that_is_too_short" {
  command = plan

  variables {
    doors = { platform = { timeout = 29 } }
  }

  expect_failures = [var.doors]
}

run "a_timeout_beyond_every_operation" {
  command = plan

  variables {
    doors = { platform = { timeout = 61 } }
  }

  expect_failures = [var.doors]
}

run "more_instances_at_least_than_at_most" {
  command = plan

  variables {
    doors = { platform = { min_instances = 3, max_instances = 2 } }
  }

  expect_failures = [var.doors]
}

run "concurrency_on_less_than_a_cpu" {
  command = plan

  variables {
    doors = { platform = { cpu = 0.5 } }
  }

  expect_failures = [var.doors]
}

run "too_little_memory" {
  command = plan

  variables {
    doors = { platform = { memory_mib = 128 } }
  }

  expect_failures = [var.doors]
}

run "an_ingress_that_is_none" {
  command = plan

  variables {
    doors = { platform = { ingress = "ALLOW_SOME" } }
  }

  expect_failures = [var.doors]
}

run "oidc_without_issuers" {
  command = plan

  variables {
    doors        = { oidc = {} }
    oidc_issuers = []
  }

  expect_failures = [var.doors]
}

run "provisioning_in_the_functions_project" {
  command = plan

  variables {
    doors = { platform = {}, provision = {} }
  }

  expect_failures = [var.doors]
}

run "provisioning_for_nobody" {
  command = plan

  variables {
    doors               = { events = {}, provision = {} }
    registry_project_id = "acme-registries"
  }

  expect_failures = [var.doors]
}

run "a_rule_for_any_issuer" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "*", subject = "x" }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules]
}

run "a_rule_for_a_permission_that_is_none" {
  command = plan

  variables {
    access_rules = [{ callers = [{ issuer = "gcp", subject = "deploy@acme-ci.iam.gserviceaccount.com" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = ["push"] }]
  }

  expect_failures = [var.access_rules]
}

run "rules_and_a_file_of_rules" {
  command = plan

  variables {
    access_rules_file = "/workspace/rules.json"
    access_rules      = [{ callers = [{ issuer = "gcp", subject = "x" }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
  }

  expect_failures = [var.access_rules_file]
}

run "an_issuer_without_tls" {
  command = plan

  variables {
    oidc_issuers = [{ issuer = "http://token.example", audience = "acme" }]
  }

  expect_failures = [var.oidc_issuers]
}

run "an_issuer_without_an_audience" {
  command = plan

  variables {
    oidc_issuers = [{ issuer = "https://token.example", audience = "" }]
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

run "everybody_at_the_platform_door" {
  command = plan

  variables {
    callers = { platform = ["allUsers"] }
  }

  expect_failures = [var.callers]
}

run "everybody_with_an_account_at_the_platform_door" {
  command = plan

  variables {
    callers = { platform = ["allAuthenticatedUsers"] }
  }

  expect_failures = [var.callers]
}

run "a_domain_of_callers" {
  command = plan

  variables {
    callers = { platform = ["domain:acme.example"] }
  }

  expect_failures = [var.callers]
}

run "a_user_at_the_platform_door" {
  command = plan

  variables {
    callers = { platform = ["user:me@acme.example"] }
  }

  expect_failures = [var.callers]
}

run "callers_of_the_oidc_door" {
  command = plan

  variables {
    doors   = { oidc = {} }
    callers = { oidc = ["user:me@acme.example"] }
  }

  expect_failures = [var.callers]
}

run "callers_of_the_events_door" {
  command = plan

  variables {
    callers = { events = ["serviceAccount:x@acme-ci.iam.gserviceaccount.com"] }
  }

  expect_failures = [var.callers]
}

run "a_caller_of_a_door_that_is_not_there" {
  command = plan

  variables {
    callers = { invoke = ["user:me@acme.example"] }
  }

  expect_failures = [var.callers]
}

run "everybody_as_publisher" {
  command = plan

  variables {
    setup_event_publishers = { projects = "allUsers" }
  }

  expect_failures = [var.setup_event_publishers]
}

run "publishers_without_the_events_door" {
  command = plan

  variables {
    doors                  = { platform = {} }
    setup_event_publishers = { projects = "user:me@acme.example" }
  }

  expect_failures = [var.setup_event_publishers]
}

run "a_retention_for_ever" {
  command = plan

  variables {
    log_retention_days = 3651
  }

  expect_failures = [var.log_retention_days]
}

run "half_a_day_of_retention" {
  command = plan

  variables {
    log_retention_days = 0.5
  }

  expect_failures = [var.log_retention_days]
}

run "a_channel_that_is_none" {
  command = plan

  variables {
    notification_channels = ["pages@acme.example"]
  }

  expect_failures = [var.notification_channels]
}

run "a_label_in_capitals" {
  command = plan

  variables {
    labels = { Team = "acme" }
  }

  expect_failures = [var.labels]
}

run "rules_that_do_not_fit" {
  command = plan

  variables {
    access_rules = [for one in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"] : {
      callers      = [{ issuer = "gcp", subject = "deploy@acme-ci.iam.gserviceaccount.com" }]
      operations   = ["createRepository"]
      registries   = ["images"]
      repositories = [for two in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x"] : "acme-functions/acme-images/${one}-${two}-and-a-name-that-is-long-enough-to-need-a-file-of-rules-beside-the-code"]
    }]
  }

  expect_failures = [google_cloudfunctions2_function.door]
}
