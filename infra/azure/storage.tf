# One account per door: an identity may write all that is in its account, and who writes another door's package becomes that
# door. No account has keys.
data "archive_file" "package" {
  type             = "zip"
  source_dir       = var.package_path
  output_path      = "${path.root}/.terraform/${var.prefix}-azure.zip"
  output_file_mode = "0644"
  excludes         = ["**/*.map"]
}

resource "azurerm_storage_account" "account" {
  # Of events that never reached their queue too.
  for_each = setunion(keys(var.doors), local.takes_events ? ["undelivered"] : [])

  name                            = "${local.storage_prefix}${substr(each.key, 0, 3)}${local.suffix}"
  resource_group_name             = var.resource_group_name
  location                        = var.location
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  min_tls_version                 = "TLS1_2"
  https_traffic_only_enabled      = true
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  allow_nested_items_to_be_public = false
  local_user_enabled              = false
  tags                            = var.tags
}

resource "azurerm_storage_container" "package" {
  for_each = var.doors

  name                  = "package"
  storage_account_id    = azurerm_storage_account.account[each.key].id
  container_access_type = "private"
}

# Flex Consumption runs what is under this name.
resource "azurerm_storage_blob" "package" {
  for_each = var.doors

  name                   = "released-package.zip"
  storage_account_name   = azurerm_storage_account.account[each.key].name
  storage_container_name = azurerm_storage_container.package[each.key].name
  type                   = "Block"
  source                 = data.archive_file.package.output_path
  content_md5            = data.archive_file.package.output_md5
}
