# Events reach the function by way of the queue, which keeps them while it cannot take them. Replicas come into being in their
# own region, and EventBridge tells it there only: rules in every replica region send the news to home's bus.
locals {
  bus_arn = "arn:${local.partition}:events:%s:${local.account}:event-bus/default"
  home_rules = !local.takes_events ? {} : merge(
    {
      setup = {
        bus = var.setup_event_bus
        pattern = jsonencode(merge(
          { detail-type = ["dev.alien.artifact-registry.repository.setup"] },
          length(var.setup_event_sources) > 0 ? { source = var.setup_event_sources } : {},
        ))
      }
    },
    length(local.replica_regions) > 0 ? { replication = { bus = "default", pattern = local.replication_pattern } } : {},
  )
  home_rule_arns = {
    for name, rule in local.home_rules : name =>
    "arn:${local.partition}:events:${local.region}:${local.account}:rule/${rule.bus == "default" ? "" : "${rule.bus}/"}${var.prefix}-${name}"
  }
  forwarding_regions = local.takes_events ? local.replica_regions : toset([])

  # The event's own region is the replica's, also on home's bus.
  replication_pattern = jsonencode({
    source      = ["aws.ecr"]
    detail-type = ["ECR Replication Action"]
    account     = [local.account]
    region      = sort(local.replica_regions)
    detail = {
      result         = ["SUCCESS"]
      action-type    = ["REPLICATE"]
      source-account = [local.account]
      source-region  = [local.region]
      repository-name = concat(
        [for space in local.spaces : space.prefix if !space.derived && length(space.regions) > 0],
        [for space in local.spaces : { prefix = "${space.prefix}-" } if length(space.regions) > 0],
      )
    }
  })
}

resource "aws_cloudwatch_event_rule" "home" {
  for_each = local.home_rules

  name           = "${var.prefix}-${each.key}"
  description    = "Artifact registry ${var.prefix}: ${each.key} events, into the set-up queue."
  event_bus_name = each.value.bus
  event_pattern  = each.value.pattern
  tags           = var.tags

  lifecycle {
    precondition {
      condition     = length(each.value.pattern) <= 4096
      error_message = "The pattern of the ${each.key} events exceeds EventBridge's 4,096 characters: serve fewer registries, regions or sources with one deployment."
    }
  }
}

resource "aws_cloudwatch_event_target" "home" {
  for_each = local.home_rules

  rule           = aws_cloudwatch_event_rule.home[each.key].name
  event_bus_name = each.value.bus
  target_id      = "setup-queue"
  arn            = local.setup_queue_arn

  dead_letter_config {
    arn = local.dead_letter_queue_arn
  }

  depends_on = [aws_sqs_queue_policy.queue]
}

resource "aws_cloudwatch_event_rule" "replica" {
  for_each = local.forwarding_regions

  region        = each.value
  name          = "${var.prefix}-replication"
  description   = "Artifact registry ${var.prefix}: tells ${local.region} of new replicas."
  event_pattern = local.replication_pattern
  tags          = var.tags

  lifecycle {
    precondition {
      condition     = length(local.replication_pattern) <= 4096
      error_message = "The pattern of the replication events exceeds EventBridge's 4,096 characters: serve fewer registries or regions with one deployment."
    }
  }
}

resource "aws_cloudwatch_event_target" "replica" {
  for_each = local.forwarding_regions

  region    = each.value
  rule      = aws_cloudwatch_event_rule.replica[each.value].name
  target_id = "home"
  arn       = format(local.bus_arn, local.region)
  role_arn  = aws_iam_role.forwarding[0].arn
}

resource "aws_iam_role" "forwarding" {
  count = length(local.forwarding_regions) > 0 ? 1 : 0

  name                 = "${var.prefix}-forwarding"
  description          = "Sends the news of replicas to the home region of the artifact registry ${var.prefix}."
  permissions_boundary = local.boundary_of_all
  tags                 = var.tags
  assume_role_policy = jsonencode(jsondecode(templatefile("${path.module}/policies/forwarding-trust.json.tftpl", {
    account = jsonencode(local.account)
    # One pattern for all regions: a trust policy may have 2,048 characters.
    rules = jsonencode("arn:${local.partition}:events:*:${local.account}:rule/${var.prefix}-replication")
  })))
}

resource "aws_iam_role_policy" "forwarding" {
  count = length(local.forwarding_regions) > 0 ? 1 : 0

  name = "forwarding"
  role = aws_iam_role.forwarding[0].name
  policy = jsonencode(jsondecode(templatefile("${path.module}/policies/forwarding.json.tftpl", {
    home_bus = jsonencode(format(local.bus_arn, local.region))
  })))
}
