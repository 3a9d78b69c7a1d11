output "functions" {
  description = "The function apps, by door: name, URL, identity, and for platform and provision the audience that callers' tokens must have."
  value = {
    for door in keys(var.doors) : door => {
      name         = azapi_resource.door[door].name
      url          = "https://${azapi_resource.door[door].output.properties.defaultHostName}"
      audience     = contains(local.authenticated_doors, door) ? azuread_application_identifier_uri.door[door].identifier_uri : null
      principal_id = azurerm_user_assigned_identity.door[door].principal_id
    }
  }
}

output "bindings" {
  description = "The binding of each registry, as JSON: what ALIEN_{NAME}_BINDING holds."
  value       = local.bindings
}

output "setup_topic" {
  description = "The topic for set-up events: its id, and the endpoint that they are published to; null without the events door."
  value       = local.takes_events ? { id = azurerm_eventgrid_topic.setup[0].id, endpoint = azurerm_eventgrid_topic.setup[0].endpoint } : null
}

output "dead_letters" {
  description = "Where events are that could not be handled, each with its reason: the queue, and the container for those that never reached the function; null without the events door."
  value = local.takes_events ? {
    queue     = local.dead_letter_queue_url
    container = "${azurerm_storage_account.account["undelivered"].primary_blob_endpoint}${azurerm_storage_container.undelivered[0].name}"
  } : null
}
