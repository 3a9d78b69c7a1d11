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

run "without_events" {
  command = plan

  variables {
    doors = { platform = {} }
  }

  assert {
    condition = (
      length(azurerm_servicebus_namespace.events) + length(azurerm_servicebus_queue.setup) + length(azurerm_servicebus_queue.dead_letters) + length(azurerm_eventgrid_topic.setup) == 0
      && length(azurerm_eventgrid_event_subscription.setup) + length(azurerm_storage_container.undelivered) + length(azurerm_role_assignment.topic) + length(azurerm_user_assigned_identity.topic) == 0
      && keys(azurerm_monitor_metric_alert.alert) == ["platform-errors", "platform-throttles"]
      && output.setup_topic == null && output.dead_letters == null
    )
    error_message = "Without the events door there is nothing of Event Grid and Service Bus."
  }
}

run "keys" {
  command = plan

  assert {
    condition     = !azurerm_servicebus_namespace.events[0].local_auth_enabled && !azurerm_eventgrid_topic.setup[0].local_auth_enabled && azurerm_servicebus_namespace.events[0].minimum_tls_version == "1.2"
    error_message = "Nobody publishes or reads by a key."
  }
  assert {
    condition     = azurerm_servicebus_namespace.events[0].sku == "Standard" && can(regex("^[a-zA-Z][a-zA-Z0-9-]{4,48}[a-zA-Z0-9]$", azurerm_servicebus_namespace.events[0].name))
    error_message = "The namespace can forward dead letters, and has a legal name."
  }
}

# Last: OpenTofu can neither plan again nor take away what was applied with a mock provider; it leaves an errored_test.tfstate.
run "events" {
  command = apply

  variables {
    doors                  = { events = {} }
    setup_event_publishers = { projects = "aaaaaaaa-0000-4000-8000-000000000002" }
  }

  assert {
    condition = (
      azurerm_eventgrid_event_subscription.setup[0].scope == azurerm_eventgrid_topic.setup[0].id
      && azurerm_eventgrid_event_subscription.setup[0].service_bus_queue_id == azurerm_servicebus_queue.setup[0].id
      && azurerm_eventgrid_event_subscription.setup[0].delivery_identity[0].user_assigned_identity == azurerm_user_assigned_identity.topic[0].id
      && azurerm_eventgrid_topic.setup[0].input_schema == "CloudEventSchemaV1_0"
      && azurerm_eventgrid_event_subscription.setup[0].event_delivery_schema == "CloudEventSchemaV1_0"
      && length(azurerm_eventgrid_event_subscription.setup[0].advanced_filter) + length(azurerm_eventgrid_event_subscription.setup[0].subject_filter) == 0
    )
    error_message = "CloudEvents go to the queue as they come, all of them, by an identity."
  }
  assert {
    condition = (
      azurerm_eventgrid_event_subscription.setup[0].retry_policy[0].event_time_to_live == 60
      && azurerm_eventgrid_event_subscription.setup[0].dead_letter_identity[0].user_assigned_identity == azurerm_user_assigned_identity.topic[0].id
      && azurerm_eventgrid_event_subscription.setup[0].storage_blob_dead_letter_destination[0].storage_account_id == azurerm_storage_account.account["undelivered"].id
      && azurerm_eventgrid_event_subscription.setup[0].storage_blob_dead_letter_destination[0].storage_blob_container_name == "undelivered"
    )
    error_message = "What does not reach the queue within the hour that it counts for is kept."
  }
  assert {
    condition = (
      azurerm_servicebus_queue.setup[0].max_delivery_count == 80
      && azurerm_servicebus_queue.setup[0].dead_lettering_on_message_expiration
      && azurerm_servicebus_queue.setup[0].forward_dead_lettered_messages_to == "dead-letters"
      && azurerm_servicebus_queue.setup[0].lock_duration == "PT5M"
    )
    error_message = "What fails too often ends among the dead letters, and nothing is delivered again while it is handled."
  }
  assert {
    condition     = azurerm_servicebus_queue.dead_letters[0].name == "dead-letters" && azurerm_servicebus_queue.dead_letters[0].default_message_ttl == "P14D"
    error_message = "Dead letters are kept for two weeks."
  }
  assert {
    condition = { for key, assignment in azurerm_role_assignment.topic : key => "${assignment.role_definition_name} ${assignment.principal_id}" } == {
      queue       = "Azure Service Bus Data Sender ${azurerm_user_assigned_identity.topic[0].principal_id}"
      undelivered = "Storage Blob Data Contributor ${azurerm_user_assigned_identity.topic[0].principal_id}"
    } && azurerm_role_assignment.topic["queue"].scope == azurerm_servicebus_queue.setup[0].id && azurerm_role_assignment.topic["undelivered"].scope == azurerm_storage_container.undelivered[0].id
    error_message = "The topic writes to the queue and to the container, and nowhere else."
  }
  assert {
    condition = (
      { for key, assignment in azurerm_role_assignment.publisher : key => assignment.principal_id } == { projects = "aaaaaaaa-0000-4000-8000-000000000002" }
      && azurerm_role_assignment.publisher["projects"].role_definition_name == "EventGrid Data Sender"
      && azurerm_role_assignment.publisher["projects"].scope == azurerm_eventgrid_topic.setup[0].id
    )
    error_message = "Who is named may publish, to this topic."
  }
  assert {
    condition = (
      azurerm_role_assignment.own["events/setup"].scope == azurerm_servicebus_queue.setup[0].id
      && azurerm_role_assignment.own["events/dead-letters"].scope == azurerm_servicebus_queue.dead_letters[0].id
    )
    error_message = "The function reads the one queue and writes to the other."
  }
  assert {
    condition = (
      local.app_settings["events"].ALIEN_EVENTS_QUEUE == "setup"
      && local.app_settings["events"].ALIEN_EVENTS__fullyQualifiedNamespace == "${azurerm_servicebus_namespace.events[0].name}.servicebus.windows.net"
      && local.app_settings["events"].ALIEN_EVENTS__credential == "managedidentity"
      && local.app_settings["events"].ALIEN_EVENTS__clientId == azurerm_user_assigned_identity.door["events"].client_id
      && local.app_settings["events"].ALIEN_DEAD_LETTER_QUEUE_URL == "https://${azurerm_servicebus_namespace.events[0].name}.servicebus.windows.net/dead-letters"
    )
    error_message = "The function finds its queues."
  }
  assert {
    condition     = output.setup_topic.id == azurerm_eventgrid_topic.setup[0].id && output.dead_letters.queue == local.app_settings["events"].ALIEN_DEAD_LETTER_QUEUE_URL
    error_message = "The topic and the queue are told."
  }
}
