# One account per door: an identity may write all that is in its account, and who writes another door's package becomes that
# door. No account has keys.
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
