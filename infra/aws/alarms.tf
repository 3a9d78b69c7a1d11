locals {
  alarm_actions = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]
  metrics       = "ArtifactRegistry/${var.prefix}"

  # What the audit log says when the registry or AWS is to blame, and not the caller. Lambda's own metric of errors counts every refusal that
  # a direct invocation gets, and none of the errors that a URL answers. An event that failed is delivered again, so there only what no
  # delivery mends counts.
  faults        = ["BINDING_CONFIG_INVALID", "INTERNAL_ERROR", "UNEXPECTED_RESPONSE_FORMAT"]
  outages       = ["CLOUD_PLATFORM_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT"]
  door_outcomes = { for door in keys(var.doors) : door => concat(local.faults, door == "events" ? [] : local.outages) }
  urls          = setintersection(keys(var.doors), ["platform", "oidc"])

  log_metrics = merge(
    {
      for door, outcomes in local.door_outcomes : "${door}-faults" => {
        door    = door
        pattern = "{ ${join(" || ", [for outcome in outcomes : "($.outcome = \"${outcome}\")"])} }"
      }
    },
    {
      # What Lambda writes where the function ended without an answer: its time was over, its memory, or it could not start.
      for door in keys(var.doors) : "${door}-ends" => { door = door, pattern = "?\"Task timed out\" ?\"Runtime exited\" ?\"Runtime.\"" }
    },
  )

  function_alarms = merge(
    {
      for name, metric in local.log_metrics : name => {
        namespace   = local.metrics
        metric      = name
        dimensions  = null
        description = endswith(name, "-ends") ? "The ${metric.door} door's function ended without an answer: see its log." : "The ${metric.door} door failed, or what it calls: outcome in its log says how."
      }
    },
    {
      for door in local.urls : "${door}-url-errors" => {
        namespace   = "AWS/Lambda"
        metric      = "Url5xxCount"
        dimensions  = { FunctionName = "${var.prefix}-${door}" }
        description = "The URL of the ${door} door answered with a status of 500 or more."
      }
    },
    {
      for door in keys(var.doors) : "${door}-throttles" => {
        namespace   = "AWS/Lambda"
        metric      = "Throttles"
        dimensions  = { FunctionName = "${var.prefix}-${door}" }
        description = "The ${door} door was throttled: raise its concurrency, or see who calls."
      }
    },
  )
  queue_alarms = local.takes_events ? {
    dead-letters = {
      queue       = "dead-letters"
      metric      = "ApproximateNumberOfMessagesVisible"
      threshold   = 0
      description = "An event could not be handled. The message's attributes say why."
    }
    backlog = {
      queue       = "setup"
      metric      = "ApproximateAgeOfOldestMessage"
      threshold   = 900
      description = "Set-up events wait. Those that are older than one hour are not carried out any more."
    }
  } : {}
}

resource "aws_cloudwatch_log_metric_filter" "function" {
  for_each = local.log_metrics

  name           = "${var.prefix}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.function[each.value.door].name
  pattern        = each.value.pattern

  metric_transformation {
    namespace = local.metrics
    name      = each.key
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each = local.function_alarms

  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "queue" {
  for_each = local.queue_alarms

  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/SQS"
  metric_name         = each.value.metric
  dimensions          = { QueueName = "${var.prefix}-${each.value.queue}" }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}
