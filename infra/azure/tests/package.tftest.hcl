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
  doors               = { platform = {}, events = {} }
  registries          = { images = { registry_name = "acmeimages" } }
}

run "a_file" {
  command = plan

  variables {
    package_file = { path = "tests/package.zip" }
  }

  assert {
    condition = (
      azurerm_storage_blob.package["platform"].source == "tests/package.zip"
      && azurerm_storage_blob.package["platform"].content_md5 == filemd5("tests/package.zip")
      && azurerm_storage_container.package["platform"].name == "package-${substr(filesha256("tests/package.zip"), 0, 16)}"
      && length(data.archive_file.package) == 0
    )
    error_message = "A package that was built elsewhere is uploaded as it is."
  }
}

run "a_folder" {
  command = apply

  variables {
    package_path = "../../dist/azure"
  }

  assert {
    condition = alltrue([for door in ["platform", "events"] :
      azurerm_storage_blob.package[door].name == "released-package.zip"
      && azurerm_storage_blob.package[door].content_md5 == "d41d8cd98f00b204e9800998ecf8427e"
      && azurerm_storage_container.package[door].name == "package-e3b0c44298fc1c14"
      && azurerm_storage_container.package[door].storage_account_id == azurerm_storage_account.account[door].id
      && azurerm_storage_container.package[door].container_access_type == "private"
    ])
    error_message = "The package has the name that Flex Consumption looks for, in a container that is named after its content."
  }
  assert {
    condition = alltrue([for door, app in azapi_resource.door : jsonencode(app.body.properties.functionAppConfig.deployment.storage) == jsonencode({
      authentication = {
        type                           = "UserAssignedIdentity"
        userAssignedIdentityResourceId = azurerm_user_assigned_identity.door[door].id
      }
      type  = "blobContainer"
      value = "https://acme${door}.blob.core.windows.net/package-e3b0c44298fc1c14"
    })])
    error_message = "A function app reads the package from its own storage account, by its identity."
  }
}

run "another_package" {
  command = plan

  variables {
    package_path = "../../dist/azure"
  }

  override_data {
    target = data.archive_file.package[0]
    values = {
      output_md5    = "900150983cd24fb0d6963f7d28e17f72"
      output_sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    }
  }

  assert {
    condition = (
      azurerm_storage_container.package["platform"].name == "package-ba7816bf8f01cfea"
      && azurerm_storage_blob.package["platform"].content_md5 == "900150983cd24fb0d6963f7d28e17f72"
    )
    error_message = "Another package goes into another container: it overwrites nothing."
  }
}

run "no_package" {
  command = plan

  expect_failures = [var.package_path]
}

run "two_packages" {
  command = plan

  variables {
    package_path = "../../dist/azure"
    package_file = { path = "tests/package.zip" }
  }

  expect_failures = [var.package_path]
}

run "a_file_that_is_no_package" {
  command = plan

  variables {
    package_file = { path = "README.md" }
  }

  expect_failures = [var.package_file]
}

# Last: the same content as before from another path.
run "the_same_package_from_elsewhere" {
  command = apply

  variables {
    package_path = "../../dist/elsewhere"
  }

  override_data {
    target = data.archive_file.package[0]
    values = {
      output_md5    = "d41d8cd98f00b204e9800998ecf8427e"
      output_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
      output_path   = "elsewhere.zip"
    }
  }

  assert {
    condition     = azurerm_storage_blob.package["platform"].source != "elsewhere.zip"
    error_message = "The same content is not uploaded a second time, wherever it comes from."
  }
}
