locals {
  alarm_actions = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]
  function_alarms = merge([
    for door in keys(var.doors) : {
      "${door}-errors"    = { door = door, metric = "Errors", description = "The ${door} door failed." }
      "${door}-throttles" = { door = door, metric = "Throttles", description = "The ${door} door was throttled: raise its concurrency, or see who calls." }
    }
  ]...)
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

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each = local.function_alarms

  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = "${var.prefix}-${each.value.door}" }
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
