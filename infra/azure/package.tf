# The functions' package. Flex Consumption runs the blob `released-package.zip` of the container that the app names, and takes no other
# name. So that a new package does not overwrite the one that runs, each package has a container of its own, named after its content.
data "archive_file" "package" {
  # Not by its own path, which need not be known yet.
  count = var.package_file == null ? 1 : 0

  type             = "zip"
  source_dir       = var.package_path
  output_path      = "${path.root}/.terraform/${var.prefix}-azure.zip"
  output_file_mode = "0644"
  excludes         = ["**/*.map"]
}

locals {
  package = var.package_file != null ? {
    file   = var.package_file.path
    md5    = filemd5(var.package_file.path)
    sha256 = filesha256(var.package_file.path)
    } : {
    file   = data.archive_file.package[0].output_path
    md5    = data.archive_file.package[0].output_md5
    sha256 = data.archive_file.package[0].output_sha256
  }
}

resource "azurerm_storage_container" "package" {
  for_each = var.doors

  name                  = "package-${substr(local.package.sha256, 0, 16)}"
  storage_account_id    = azurerm_storage_account.account[each.key].id
  container_access_type = "private"

  lifecycle {
    create_before_destroy = true
  }
}

resource "azurerm_storage_blob" "package" {
  for_each = var.doors

  name                 = "released-package.zip"
  storage_container_id = azurerm_storage_container.package[each.key].id
  type                 = "Block"
  source               = local.package.file
  content_md5          = local.package.md5

  lifecycle {
    create_before_destroy = true
    # azurerm replaces a blob whose file has another path. The same content from another path would be made a second time under
    # the same name, and then deleted. Other content has another container, which replaces the blob.
    ignore_changes = [source]
  }
}

# The app is told of the new container first. Instances that started under the old settings find the old package for one more minute.
resource "time_sleep" "package" {
  for_each = var.doors

  triggers = {
    container = "${azurerm_storage_account.account[each.key].primary_blob_endpoint}${azurerm_storage_container.package[each.key].name}"
    blob      = azurerm_storage_blob.package[each.key].id
  }
  destroy_duration = "60s"

  lifecycle {
    create_before_destroy = true
  }
}
