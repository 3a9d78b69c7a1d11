locals {
  alerts = merge(
    {
      # An event that is not taken is delivered again: what never is shows in the alerts below. 501 is no fault.
      for door in keys(var.doors) : "${door}-errors" => {
        scope       = azurerm_application_insights.functions.id
        namespace   = "microsoft.insights/components"
        metric      = "requests/failed"
        aggregation = "Count"
        window      = "PT5M"
        dimensions = {
          "cloud/roleName"     = ["${var.prefix}-${door}-${local.suffix}"]
          "request/resultCode" = ["500", "502", "503", "504"]
        }
        says = "The ${door} door failed, or what it calls."
      } if door != "events"
    },
    {
      for door in keys(var.doors) : "${door}-throttles" => {
        scope       = azurerm_application_insights.functions.id
        namespace   = "microsoft.insights/components"
        metric      = "requests/failed"
        aggregation = "Count"
        window      = "PT5M"
        dimensions = {
          "cloud/roleName"     = ["${var.prefix}-${door}-${local.suffix}"]
          "request/resultCode" = ["429"]
        }
        says = "The ${door} door was throttled, or a registry has no room for more repositories."
      } if door != "events"
    },
    local.takes_events ? {
      dead-letters = {
        scope       = azurerm_servicebus_namespace.events[0].id
        namespace   = "Microsoft.ServiceBus/namespaces"
        metric      = "ActiveMessages"
        aggregation = "Maximum"
        window      = "PT5M"
        dimensions  = { EntityName = [local.dead_letter_queue] }
        says        = "An event could not be handled. The message's properties say why."
      }
      backlog = {
        scope       = azurerm_servicebus_namespace.events[0].id
        namespace   = "Microsoft.ServiceBus/namespaces"
        metric      = "ActiveMessages"
        aggregation = "Minimum"
        window      = "PT15M"
        dimensions  = { EntityName = [local.setup_queue] }
        says        = "Set-up events wait. Those that are older than one hour are not carried out any more."
      }
      undelivered = {
        scope       = azurerm_eventgrid_topic.setup[0].id
        namespace   = "Microsoft.EventGrid/topics"
        metric      = "DeadLetteredCount"
        aggregation = "Total"
        window      = "PT5M"
        dimensions  = {}
        says        = "An event did not reach the queue. It is in the container of undelivered events."
      }
      dropped = {
        scope       = azurerm_eventgrid_topic.setup[0].id
        namespace   = "Microsoft.EventGrid/topics"
        metric      = "DroppedEventCount"
        aggregation = "Total"
        window      = "PT5M"
        dimensions  = {}
        says        = "An event reached neither the queue nor the container of undelivered events: it is gone."
      }
    } : {},
  )
}

resource "azurerm_monitor_metric_alert" "alert" {
  for_each = local.alerts

  name                = "${var.prefix}-${each.key}"
  resource_group_name = var.resource_group_name
  description         = each.value.says
  scopes              = [each.value.scope]
  severity            = 2
  frequency           = "PT5M"
  window_size         = each.value.window
  tags                = var.tags

  criteria {
    metric_namespace = each.value.namespace
    metric_name      = each.value.metric
    aggregation      = each.value.aggregation
    operator         = "GreaterThan"
    threshold        = 0
    # What was never counted is not there to be looked up.
    skip_metric_validation = true

    dynamic "dimension" {
      for_each = each.value.dimensions
      content {
        name     = dimension.key
        operator = "Include"
        values   = dimension.value
      }
    }
  }

  dynamic "action" {
    for_each = var.action_group_ids
    content {
      action_group_id = action.value
    }
  }
}
