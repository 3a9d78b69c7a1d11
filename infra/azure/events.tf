# Set-up events reach the function by a queue. Event Grid could call the function itself, but only one that is open to the
# internet, under a key that is a shared secret, and only once its code is there.
locals {
  takes_events          = contains(keys(var.doors), "events")
  setup_queue           = "setup"
  dead_letter_queue     = "dead-letters"
  queue_host            = "${var.prefix}-events-${local.suffix}.servicebus.windows.net"
  dead_letter_queue_url = "https://${local.queue_host}/${local.dead_letter_queue}"
}

resource "azurerm_servicebus_namespace" "events" {
  count = local.takes_events ? 1 : 0

  name                = "${var.prefix}-events-${local.suffix}"
  resource_group_name = var.resource_group_name
  location            = var.location
  # Basic cannot forward dead letters.
  sku                 = "Standard"
  local_auth_enabled  = false
  minimum_tls_version = "1.2"
  tags                = var.tags
}

resource "azurerm_servicebus_queue" "dead_letters" {
  count = local.takes_events ? 1 : 0

  name                = local.dead_letter_queue
  namespace_id        = azurerm_servicebus_namespace.events[0].id
  default_message_ttl = "P14D"
  # Whoever reads them without taking them shall find them again.
  max_delivery_count = 2000
}

resource "azurerm_servicebus_queue" "setup" {
  count = local.takes_events ? 1 : 0

  name         = local.setup_queue
  namespace_id = azurerm_servicebus_namespace.events[0].id
  # Longer than the function ever takes.
  lock_duration = "PT5M"
  # With the function's own pauses some 40 minutes: events that are older than one hour are not carried out any more.
  max_delivery_count                   = 80
  default_message_ttl                  = "P14D"
  dead_lettering_on_message_expiration = true
  # Beside those of the function, which says why; what comes by itself says how often it was tried.
  forward_dead_lettered_messages_to = azurerm_servicebus_queue.dead_letters[0].name
}

resource "azurerm_eventgrid_topic" "setup" {
  count = local.takes_events ? 1 : 0

  name                = "${var.prefix}-setup-${local.suffix}"
  resource_group_name = var.resource_group_name
  location            = var.location
  input_schema        = "CloudEventSchemaV1_0"
  local_auth_enabled  = false
  tags                = var.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.topic[0].id]
  }
}

# Who delivers.
resource "azurerm_user_assigned_identity" "topic" {
  count = local.takes_events ? 1 : 0

  name                = "${var.prefix}-topic"
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
}

# Where events stay that never reached the queue.
resource "azurerm_storage_container" "undelivered" {
  count = local.takes_events ? 1 : 0

  name                  = "undelivered"
  storage_account_id    = azurerm_storage_account.account["undelivered"].id
  container_access_type = "private"
}

# No filter: what is none of ours goes to the dead letters by the function, where somebody sees it.
resource "azurerm_eventgrid_event_subscription" "setup" {
  count = local.takes_events ? 1 : 0

  name                  = "setup"
  scope                 = azurerm_eventgrid_topic.setup[0].id
  event_delivery_schema = "CloudEventSchemaV1_0"
  service_bus_queue_id  = azurerm_servicebus_queue.setup[0].id

  delivery_identity {
    type                   = "UserAssigned"
    user_assigned_identity = azurerm_user_assigned_identity.topic[0].id
  }

  dead_letter_identity {
    type                   = "UserAssigned"
    user_assigned_identity = azurerm_user_assigned_identity.topic[0].id
  }

  # Events that are older than one hour are not carried out any more.
  retry_policy {
    event_time_to_live    = 60
    max_delivery_attempts = 30
  }

  storage_blob_dead_letter_destination {
    storage_account_id          = azurerm_storage_account.account["undelivered"].id
    storage_blob_container_name = azurerm_storage_container.undelivered[0].name
  }

  depends_on = [azurerm_role_assignment.topic]
}

resource "azurerm_role_assignment" "topic" {
  for_each = !local.takes_events ? {} : {
    queue       = { role = "Azure Service Bus Data Sender", scope = azurerm_servicebus_queue.setup[0].id }
    undelivered = { role = "Storage Blob Data Contributor", scope = azurerm_storage_container.undelivered[0].id }
  }

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.topic[0].principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "publisher" {
  for_each = local.takes_events ? var.setup_event_publishers : {}

  scope                = azurerm_eventgrid_topic.setup[0].id
  role_definition_name = "EventGrid Data Sender"
  principal_id         = each.value
  principal_type       = "ServicePrincipal"
}
