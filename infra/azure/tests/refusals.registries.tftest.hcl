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

run "no_registry" {
  command = plan

  variables {
    registries = {}
  }

  expect_failures = [var.registries]
}

run "a_name_with_a_dot" {
  command = plan

  variables {
    registries = { "my.images" = { registry_name = "acmeimages" } }
  }

  expect_failures = [var.registries]
}

run "names_that_share_a_variable" {
  command = plan

  variables {
    registries = { my-images = { registry_name = "acmeimages", repository_prefix = "a" }, MY_IMAGES = { registry_name = "acmeimages", repository_prefix = "b" } }
  }

  expect_failures = [var.registries]
}

run "a_registry_with_a_dash" {
  command = plan

  variables {
    registries = { images = { registry_name = "acme-images" } }
  }

  expect_failures = [var.registries]
}

run "a_registry_that_is_too_short" {
  command = plan

  variables {
    registries = { images = { registry_name = "acme" } }
  }

  expect_failures = [var.registries]
}

run "a_registry_in_a_group_by_its_id" {
  command = plan

  variables {
    registries = { images = { registry_name = "acmeimages", resource_group_name = "/subscriptions/1/resourceGroups/acme" } }
  }

  expect_failures = [var.registries]
}

run "a_login_server_with_a_path" {
  command = plan

  variables {
    registries = { images = { registry_name = "acmeimages", login_server = "acmeimages.azurecr.io/images" } }
  }

  expect_failures = [var.registries]
}

run "a_login_server_by_its_url" {
  command = plan

  variables {
    registries = { images = { registry_name = "acmeimages", login_server = "https://acmeimages.azurecr.io" } }
  }

  expect_failures = [var.registries]
}

run "a_prefix_in_capitals" {
  command = plan

  variables {
    registries = { images = { registry_name = "acmeimages", repository_prefix = "Images" } }
  }

  expect_failures = [var.registries]
}

run "a_prefix_that_ends_with_a_slash" {
  command = plan

  variables {
    registries = { images = { registry_name = "acmeimages", repository_prefix = "images/" } }
  }

  expect_failures = [var.registries]
}

run "a_prefix_that_ends_a_condition" {
  command = plan

  variables {
    registries = { images = { registry_name = "acmeimages", repository_prefix = "images' OR 'a" } }
  }

  expect_failures = [var.registries]
}

run "a_mode_that_is_none" {
  command = plan

  variables {
    registries = { images = { registry_name = "acmeimages", role_assignment_mode = "abac" } }
  }

  expect_failures = [var.registries]
}

run "one_of_two_without_a_prefix" {
  command = plan

  variables {
    registries = { images = { registry_name = "acmeimages", repository_prefix = "images" }, builds = { registry_name = "acmebuilds" } }
  }

  expect_failures = [var.registries]
}

run "a_prefix_twice" {
  command = plan

  variables {
    registries = { images = { registry_name = "acmeimages", repository_prefix = "images" }, builds = { registry_name = "acmebuilds", repository_prefix = "images" } }
  }

  expect_failures = [var.registries]
}

run "a_prefix_that_extends_another_by_a_dash" {
  command = plan

  variables {
    registries = { images = { registry_name = "acmeimages", repository_prefix = "images" }, builds = { registry_name = "acmebuilds", repository_prefix = "images-builds" } }
  }

  expect_failures = [var.registries]
}

run "a_prefix_that_extends_another_by_a_slash" {
  command = plan

  variables {
    registries = { images = { registry_name = "acmeimages", repository_prefix = "images/builds" }, builds = { registry_name = "acmebuilds", repository_prefix = "images" } }
  }

  expect_failures = [var.registries]
}

run "a_group_of_registries_by_its_id" {
  command = plan

  variables {
    registry_resource_group_name = "/subscriptions/1/resourceGroups/acme"
  }

  expect_failures = [var.registry_resource_group_name]
}

run "derived_in_the_functions_group" {
  command = plan

  variables {
    derived_registries = true
  }

  expect_failures = [var.derived_registries]
}

run "derived_in_the_functions_group_said_twice" {
  command = plan

  variables {
    derived_registries           = true
    registry_resource_group_name = "acme-functions"
  }

  expect_failures = [var.derived_registries]
}

run "a_sku_that_is_none" {
  command = plan

  variables {
    provisioned_registries = { sku = "Classic" }
  }

  expect_failures = [var.provisioned_registries]
}

run "a_mode_to_provision_that_is_none" {
  command = plan

  variables {
    provisioned_registries = { role_assignment_mode = "AbacRepositoryPermissions" }
  }

  expect_failures = [var.provisioned_registries]
}
