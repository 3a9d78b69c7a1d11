locals {
  takes_events          = contains(keys(var.doors), "events")
  queue_arn             = "arn:${local.partition}:sqs:${local.region}:${local.account}:${var.prefix}-%s"
  setup_queue_arn       = format(local.queue_arn, "setup")
  dead_letter_queue_arn = format(local.queue_arn, "dead-letters")
  queue_arns            = local.takes_events ? { setup = local.setup_queue_arn, dead-letters = local.dead_letter_queue_arn } : {}
}

resource "aws_sqs_queue" "setup" {
  count = local.takes_events ? 1 : 0

  name                       = "${var.prefix}-setup"
  sqs_managed_sse_enabled    = var.kms_keys.queues == null ? true : null
  kms_master_key_id          = one(var.kms_keys.queues[*].arn)
  visibility_timeout_seconds = 6 * var.doors["events"].timeout
  # Longer than five deliveries ever take: a message that expired would be dropped without a word.
  message_retention_seconds = 345600
  redrive_policy            = jsonencode({ deadLetterTargetArn = local.dead_letter_queue_arn, maxReceiveCount = 5 })
  tags                      = var.tags

  depends_on = [aws_sqs_queue.dead_letters]
}

resource "aws_sqs_queue" "dead_letters" {
  count = local.takes_events ? 1 : 0

  name                      = "${var.prefix}-dead-letters"
  sqs_managed_sse_enabled   = var.kms_keys.queues == null ? true : null
  kms_master_key_id         = one(var.kms_keys.queues[*].arn)
  message_retention_seconds = 1209600
  redrive_allow_policy      = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [local.setup_queue_arn] })
  tags                      = var.tags
}

resource "aws_sqs_queue_policy" "queue" {
  for_each = local.queue_arns

  queue_url = each.key == "setup" ? aws_sqs_queue.setup[0].url : aws_sqs_queue.dead_letters[0].url
  policy = jsonencode(jsondecode(templatefile("${path.module}/policies/queue-access.json.tftpl", {
    queue = jsonencode(each.value)
    rules = jsonencode(values(local.home_rule_arns))
  })))
}

resource "aws_lambda_event_source_mapping" "setup" {
  count = local.takes_events ? 1 : 0

  event_source_arn        = local.setup_queue_arn
  function_name           = aws_lambda_function.door["events"].function_name
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
  tags                    = var.tags

  scaling_config {
    # Edits of one repository wait for each other: more of them at a time would mostly wait.
    maximum_concurrency = 10
  }

  depends_on = [aws_sqs_queue.setup]
}
