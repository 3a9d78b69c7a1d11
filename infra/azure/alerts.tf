locals {
  # 501 is no fault. An event that is not taken is delivered again: what never is shows in the alerts below.
  failures = {
    errors    = { codes = ["500", "502", "503", "504"], says = "The %s door failed, or what it calls." }
    throttles = { codes = ["429"], says = "The %s door was throttled, or a registry has no room for more repositories." }
  }
  event_alerts = {
    dead-letters = { queue = local.dead_letter_queue, metric = "ActiveMessages", aggregation = "Maximum", window = "PT5M", says = "An event could not be handled. The message's properties say why." }
    backlog      = { queue = local.setup_queue, metric = "ActiveMessages", aggregation = "Minimum", window = "PT15M", says = "Set-up events wait. Those that are older than one hour are not carried out any more." }
    undelivered  = { queue = null, metric = "DeadLetteredCount", aggregation = "Total", window = "PT5M", says = "An event did not reach the queue. It is in the container of undelivered events." }
    dropped      = { queue = null, metric = "DroppedEventCount", aggregation = "Total", window = "PT5M", says = "An event reached neither the queue nor the container of undelivered events: it is gone." }
  }

  alerts = merge(
    {
      for each in setproduct(setsubtract(keys(var.doors), ["events"]), keys(local.failures)) : join("-", each) => {
        scope       = azurerm_application_insights.functions.id
        namespace   = "microsoft.insights/components"
        metric      = "requests/failed"
        aggregation = "Count"
        window      = "PT5M"
        dimensions = {
          "cloud/roleName"     = ["${var.prefix}-${each[0]}-${local.suffix}"]
          "request/resultCode" = local.failures[each[1]].codes
        }
        says = format(local.failures[each[1]].says, each[0])
      }
    },
    {
      for name, alert in local.event_alerts : name => merge(alert, {
        scope      = alert.queue == null ? azurerm_eventgrid_topic.setup[0].id : azurerm_servicebus_namespace.events[0].id
        namespace  = alert.queue == null ? "Microsoft.EventGrid/topics" : "Microsoft.ServiceBus/namespaces"
        dimensions = { for queue in compact([alert.queue]) : "EntityName" => [queue] }
      }) if local.takes_events
    },
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
