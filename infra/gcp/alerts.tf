locals {
  service = "resource.type = \"cloud_run_revision\" AND resource.labels.location = \"${var.region}\" AND resource.labels.service_name = \"${var.prefix}-%s\" AND metric.type = \"run.googleapis.com/request_count\""
  queue   = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${var.prefix}-%s\" AND metric.type = \"pubsub.googleapis.com/subscription/%s\""

  alerts = merge(
    {
      # An event that is not taken is delivered again: what never is shows in the alerts below.
      for door in keys(var.doors) : "${door}-errors" => {
        filter    = "${format(local.service, door)} AND metric.labels.response_code_class = \"5xx\" AND metric.labels.response_code != \"501\""
        aligner   = "ALIGN_DELTA"
        reducer   = "REDUCE_SUM"
        threshold = 0
        says      = "The ${door} door failed, or what it calls."
      } if door != "events"
    },
    {
      for door in keys(var.doors) : "${door}-throttles" => {
        filter    = "${format(local.service, door)} AND metric.labels.response_code = \"429\""
        aligner   = "ALIGN_DELTA"
        reducer   = "REDUCE_SUM"
        threshold = 0
        says      = "The ${door} door was throttled: raise its max_instances, or see who calls."
      }
    },
    local.takes_events ? {
      dead-letters = {
        filter    = format(local.queue, "dead-letters", "num_undelivered_messages")
        aligner   = "ALIGN_MAX"
        reducer   = "REDUCE_MAX"
        threshold = 0
        says      = "An event could not be handled. The message's attributes say why."
      }
      backlog = {
        filter    = format(local.queue, "setup", "oldest_unacked_message_age")
        aligner   = "ALIGN_MAX"
        reducer   = "REDUCE_MAX"
        threshold = 900
        says      = "Set-up events wait. Those that are older than one hour are not carried out any more."
      }
    } : {},
  )
}

resource "google_monitoring_alert_policy" "alert" {
  for_each = local.alerts

  project               = var.project_id
  display_name          = "${var.prefix}-${each.key}"
  combiner              = "OR"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  conditions {
    display_name = each.key

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
      }
    }
  }

  documentation {
    content   = each.value.says
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.needed]
}
