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
  registries          = { images = { registry_name = "acmeimages" } }
}

run "bindings" {
  command = plan

  variables {
    registry_resource_group_name = "acme-registries"
    registries = {
      images    = { registry_name = "acmeimages", login_server = "acmeimages.azurecr.io", repository_prefix = "images" }
      my-builds = { registry_name = "acmebuilds", resource_group_name = "acme-builds", repository_prefix = "team/builds" }
    }
    access_rules = [
      {
        callers      = [{ issuer = "azure", subject = "99999999-8888-7777-6666-555555555555/aaaaaaaa-0000-4000-8000-000000000001" }]
        operations   = ["*"]
        registries   = ["images"]
        repositories = ["*"]
      },
      {
        callers      = [{ issuer = "azure", subject = "99999999-8888-7777-6666-555555555555/aaaaaaaa-0000-4000-8000-000000000001" }]
        operations   = ["*"]
        registries   = ["images"]
        repositories = ["*"]
        permissions  = ["pull", "push-pull"]
        grantees     = ["*"]
      },
    ]
  }

  assert {
    condition = jsondecode(local.app_settings["platform"].ALIEN_IMAGES_BINDING) == {
      service           = "acr"
      registryName      = "acmeimages"
      resourceGroupName = "acme-registries"
      loginServer       = "acmeimages.azurecr.io"
      repositoryPrefix  = "images"
    }
    error_message = "A binding says all that is known."
  }
  assert {
    condition = jsondecode(local.app_settings["platform"].ALIEN_MY_BUILDS_BINDING) == {
      service           = "acr"
      registryName      = "acmebuilds"
      resourceGroupName = "acme-builds"
      repositoryPrefix  = "team/builds"
    }
    error_message = "What is not known is left out."
  }
  assert {
    condition = (
      local.app_settings["platform"].ALIEN_REGISTRIES == "images,my-builds"
      && !contains(keys(local.app_settings["platform"]), "ALIEN_STACK_PREFIX")
    )
    error_message = "Names are told, and nothing is derived."
  }
  assert {
    condition     = output.bindings.images == local.app_settings["platform"].ALIEN_IMAGES_BINDING
    error_message = "Bindings are told."
  }
  assert {
    condition     = [for rule in jsondecode(local.app_settings["platform"].ALIEN_ACCESS_RULES) : keys(rule)] == [["callers", "operations", "registries", "repositories"], ["callers", "grantees", "operations", "permissions", "registries", "repositories"]]
    error_message = "A rule has every field that it was given, and no other."
  }
  assert {
    condition     = jsondecode(local.app_settings["platform"].ALIEN_ACCESS_RULES)[1].permissions == ["pull", "push-pull"]
    error_message = "A rule says who may push."
  }
}

run "one_without_a_prefix" {
  command = plan

  assert {
    condition = jsondecode(local.app_settings["events"].ALIEN_IMAGES_BINDING) == {
      service           = "acr"
      registryName      = "acmeimages"
      resourceGroupName = "acme-functions"
    }
    error_message = "One registry may be a whole container registry, in the functions' group."
  }
  assert {
    condition     = alltrue([for key in keys(azurerm_role_assignment.registry) : strcontains(key, "/images/")])
    error_message = "Every role is on a registry."
  }
}

run "rules_in_the_package" {
  command = plan

  variables {
    access_rules_file = "/home/site/wwwroot/rules.json"
  }

  assert {
    condition = (
      local.app_settings["platform"].ALIEN_ACCESS_RULES_FILE == "/home/site/wwwroot/rules.json"
      && !contains(keys(local.app_settings["platform"]), "ALIEN_ACCESS_RULES")
    )
    error_message = "Rules may be in a file."
  }
}
