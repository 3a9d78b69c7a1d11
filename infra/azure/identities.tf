# One identity per door, with what its code calls and nothing else.
resource "azurerm_user_assigned_identity" "door" {
  for_each = var.doors

  name                = "${var.prefix}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
}

locals {
  minting_doors = sort(setintersection(keys(var.doors), ["platform", "oidc"]))

  # What an identity does to what is made here.
  own_grants = merge(
    # The host keeps its locks and its keys there, and reads the package.
    { for door in keys(var.doors) : "${door}/storage" => { door = door, role = "Storage Blob Data Owner", scope = azurerm_storage_account.account[door].id } },
    { for door in keys(var.doors) : "${door}/telemetry" => { door = door, role = "Monitoring Metrics Publisher", scope = azurerm_application_insights.functions.id } },
    local.takes_events ? {
      "events/setup"        = { door = "events", role = "Azure Service Bus Data Receiver", scope = azurerm_servicebus_queue.setup[0].id }
      "events/dead-letters" = { door = "events", role = "Azure Service Bus Data Sender", scope = azurerm_servicebus_queue.dead_letters[0].id }
    } : {},
  )
}

resource "azurerm_role_assignment" "own" {
  for_each = local.own_grants

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.door[each.value.door].principal_id
  principal_type       = "ServicePrincipal"
}
