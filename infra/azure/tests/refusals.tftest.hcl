mock_provider "azurerm" {
  source = "./tests/mocks/azurerm"
}

mock_provider "azuread" {
  source = "./tests/mocks/azuread"
}

mock_provider "azapi" {
  source = "./tests/mocks/azapi"
}

mock_provider "archive" {
  source = "./tests/mocks/archive"
}

mock_provider "time" {}

mock_provider "random" {}

variables {
  resource_group_name = "acme-functions"
  location            = "westeurope"
  prefix              = "acme"
  package_path        = "../../dist/azure"
  oidc_issuers        = [{ issuer = "https://token.example", audience = "acme" }]
  registries          = { images = { registry_name = "acmeimages" } }
}

run "a_group_by_its_id" {
  command = plan

  variables {
    resource_group_name = "/subscriptions/1/resourceGroups/acme"
  }

  expect_failures = [var.resource_group_name]
}

run "a_group_that_ends_with_a_dot" {
  command = plan

  variables {
    resource_group_name = "acme."
  }

  expect_failures = [var.resource_group_name]
}

run "a_location_by_its_display_name" {
  command = plan

  variables {
    location = "West Europe"
  }

  expect_failures = [var.location]
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

run "a_prefix_with_two_dashes" {
  command = plan

  variables {
    prefix = "ac--me"
  }

  expect_failures = [var.prefix]
}

run "a_prefix_in_capitals" {
  command = plan

  variables {
    prefix = "Acme"
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
    doors = { invoke = {} }
  }

  expect_failures = [var.doors]
}

run "a_size_that_is_none" {
  command = plan

  variables {
    doors = { platform = { memory_mib = 1024 } }
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

run "too_many_instances" {
  command = plan

  variables {
    doors = { platform = { max_instances = 1001 } }
  }

  expect_failures = [var.doors]
}

run "no_concurrency" {
  command = plan

  variables {
    doors = { platform = { concurrency = 0 } }
  }

  expect_failures = [var.doors]
}

run "a_range_that_is_none" {
  command = plan

  variables {
    doors = { platform = { ip_ranges = ["203.0.113.1"] } }
  }

  expect_failures = [var.doors]
}

run "callers_at_the_events_door" {
  command = plan

  variables {
    doors = { events = { ip_ranges = ["203.0.113.0/24"] } }
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

run "provisioning_in_the_functions_group" {
  command = plan

  variables {
    doors = { platform = {}, provision = {} }
  }

  expect_failures = [var.doors]
}

run "provisioning_in_the_functions_group_by_other_letters" {
  command = plan

  variables {
    doors                        = { platform = {}, provision = {} }
    registry_resource_group_name = "ACME-functions"
  }

  expect_failures = [var.doors]
}

run "provisioning_for_nobody" {
  command = plan

  variables {
    doors                        = { events = {}, provision = {} }
    registry_resource_group_name = "acme-registries"
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
    access_rules = [{ callers = [{ issuer = "azure", subject = "99999999-8888-7777-6666-555555555555/aaaaaaaa-0000-4000-8000-000000000001" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = ["push"] }]
  }

  expect_failures = [var.access_rules]
}

run "rules_and_a_file_of_rules" {
  command = plan

  variables {
    access_rules_file = "/home/site/wwwroot/rules.json"
    access_rules      = [{ callers = [{ issuer = "azure", subject = "x" }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
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

run "a_caller_by_name" {
  command = plan

  variables {
    callers = { platform = { pipeline = "deploy" } }
  }

  expect_failures = [var.callers]
}

run "a_caller_in_capitals" {
  command = plan

  variables {
    callers = { platform = { pipeline = "AAAAAAAA-0000-4000-8000-000000000001" } }
  }

  expect_failures = [var.callers]
}

run "everybody_as_caller" {
  command = plan

  variables {
    callers = { platform = { pipeline = "*" } }
  }

  expect_failures = [var.callers]
}

run "callers_of_the_oidc_door" {
  command = plan

  variables {
    doors   = { oidc = {} }
    callers = { oidc = { pipeline = "aaaaaaaa-0000-4000-8000-000000000001" } }
  }

  expect_failures = [var.callers]
}

run "callers_of_the_events_door" {
  command = plan

  variables {
    callers = { events = { pipeline = "aaaaaaaa-0000-4000-8000-000000000001" } }
  }

  expect_failures = [var.callers]
}

run "a_caller_of_a_door_that_is_not_there" {
  command = plan

  variables {
    callers = { provision = { pipeline = "aaaaaaaa-0000-4000-8000-000000000001" } }
  }

  expect_failures = [var.callers]
}

run "a_publisher_by_name" {
  command = plan

  variables {
    setup_event_publishers = { projects = "projects" }
  }

  expect_failures = [var.setup_event_publishers]
}

run "publishers_without_the_events_door" {
  command = plan

  variables {
    doors                  = { platform = {} }
    setup_event_publishers = { projects = "aaaaaaaa-0000-4000-8000-000000000001" }
  }

  expect_failures = [var.setup_event_publishers]
}

run "a_retention_that_is_too_short" {
  command = plan

  variables {
    log_retention_days = 29
  }

  expect_failures = [var.log_retention_days]
}

run "a_retention_for_ever" {
  command = plan

  variables {
    log_retention_days = 731
  }

  expect_failures = [var.log_retention_days]
}

run "half_a_day_of_retention" {
  command = plan

  variables {
    log_retention_days = 30.5
  }

  expect_failures = [var.log_retention_days]
}

run "an_action_group_by_name" {
  command = plan

  variables {
    action_group_ids = ["on-call"]
  }

  expect_failures = [var.action_group_ids]
}

run "a_tag_that_is_none" {
  command = plan

  variables {
    tags = { "a/b" = "c" }
  }

  expect_failures = [var.tags]
}
