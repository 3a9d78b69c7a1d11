mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "archive" {}

mock_provider "random" {}

variables {
  prefix       = "acme"
  package_path = "../../dist/aws"
  oidc_issuers = [{ issuer = "https://token.example", audience = "acme" }]
  registries   = { images = {} }
}

run "every_door" {
  command = plan

  variables {
    doors = { platform = {}, oidc = { memory_size = 256 }, invoke = { reserved_concurrency = 7 }, events = {}, provision = { timeout = 45 } }
  }

  assert {
    condition     = keys(aws_lambda_function.door) == ["events", "invoke", "oidc", "platform", "provision"]
    error_message = "Each door that is wanted is a function of its own."
  }
  assert {
    condition = alltrue([for function in values(aws_lambda_function.door) :
      function.architectures == tolist(["arm64"]) && function.runtime == "nodejs24.x" && function.handler == "index.handler"
    ])
    error_message = "Functions run on arm64, under Node.js 24."
  }
  assert {
    condition     = alltrue([for door, function in aws_lambda_function.door : function.environment[0].variables.ALIEN_DOOR == door])
    error_message = "A function knows its door."
  }
  assert {
    condition     = aws_lambda_function.door["invoke"].reserved_concurrent_executions == 7 && aws_lambda_function.door["oidc"].memory_size == 256 && aws_lambda_function.door["provision"].timeout == 45
    error_message = "Doors are sized one by one."
  }
  assert {
    condition     = { for door, url in aws_lambda_function_url.door : door => url.authorization_type } == { platform = "AWS_IAM", oidc = "NONE" }
    error_message = "The platform door's URL stands behind IAM, the oidc door's is open, and no other door has one."
  }
  assert {
    condition     = [for door, function in aws_lambda_function.door : door if contains(keys(function.environment[0].variables), "ALIEN_OIDC_ISSUERS")] == ["oidc"]
    error_message = "Only the oidc door knows issuers."
  }
  assert {
    condition     = [for door, function in aws_lambda_function.door : door if contains(keys(function.environment[0].variables), "ALIEN_DEAD_LETTER_QUEUE_URL")] == ["events"]
    error_message = "Only the events door knows the dead-letter queue."
  }
  assert {
    condition = (
      aws_lambda_function.door["provision"].environment[0].variables.ALIEN_FUNCTION_ROLE_ARNS == join(",", [for door in ["invoke", "oidc", "platform"] : "arn:aws:iam::111122223333:role/acme-${door}"])
      && aws_lambda_function.door["provision"].environment[0].variables.ALIEN_PERMISSIONS_BOUNDARY_ARN == "arn:aws:iam::111122223333:policy/acme-minting-boundary"
    )
    error_message = "The provision door knows whom the roles trust, and their boundary."
  }
  assert {
    condition     = alltrue([for group in values(aws_cloudwatch_log_group.function) : group.retention_in_days == 90])
    error_message = "Logs are kept for 90 days, and not for ever."
  }
  assert {
    condition = join(" ", keys(aws_cloudwatch_metric_alarm.function)) == join(" ", sort(concat(
      flatten([for door in ["events", "invoke", "oidc", "platform", "provision"] : [for kind in ["ends", "faults", "throttles"] : "${door}-${kind}"]]),
      ["oidc-url-errors", "platform-url-errors"],
    ))) && keys(aws_cloudwatch_metric_alarm.queue) == ["backlog", "dead-letters"]
    error_message = "Every function has alarms for faults, sudden ends and throttles, URLs for their errors, the queues for what they hold."
  }
  assert {
    condition     = length([for alarm in values(aws_cloudwatch_metric_alarm.function) : alarm if alarm.metric_name == "Errors"]) == 0
    error_message = "No alarm rings for a caller's mistake: Lambda counts every refusal of a direct invocation as an error."
  }
  assert {
    condition = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.function :
      alarm.namespace == "ArtifactRegistry/acme" ? aws_cloudwatch_log_metric_filter.function[name].metric_transformation[0].name == alarm.metric_name
      : alarm.namespace == "AWS/Lambda" && contains(["Url5xxCount", "Throttles"], alarm.metric_name) && startswith(name, trimprefix(alarm.dimensions["FunctionName"], "acme-"))
    ])
    error_message = "An alarm watches what a filter counts in the log, or Lambda's own metric of that function."
  }
  assert {
    condition     = length([for filter in values(aws_cloudwatch_log_metric_filter.function) : filter if length(regexall("INVALID_INPUT|ACCESS_DENIED|NOT_FOUND|CONFLICT|RATE_LIMIT", filter.pattern)) > 0]) == 0
    error_message = "What a caller did wrong is no fault."
  }
  assert {
    condition     = strcontains(aws_cloudwatch_log_metric_filter.function["invoke-faults"].pattern, "SERVICE_UNAVAILABLE") && !strcontains(aws_cloudwatch_log_metric_filter.function["events-faults"].pattern, "SERVICE_UNAVAILABLE")
    error_message = "An event that failed is delivered again, and tells of itself by its age or as a dead letter."
  }
  assert {
    condition     = aws_lambda_function.door["oidc"].reserved_concurrent_executions == 20
    error_message = "The public door takes 20 instances at most, unless another number is named."
  }
}

run "by_default" {
  command = plan

  assert {
    condition     = keys(aws_lambda_function.door) == ["events", "invoke", "platform"]
    error_message = "Neither the public door nor the provision door is deployed by default."
  }
  assert {
    condition     = keys(aws_iam_policy.caller) == ["invoke", "platform"] && length(aws_iam_role_policy_attachment.caller) == 0
    error_message = "There are policies for callers, and nobody has them yet."
  }
  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.function) : length(alarm.alarm_actions) == 0])
    error_message = "Without a topic alarms tell nobody."
  }
}

run "without_events" {
  command = plan

  variables {
    doors           = { invoke = {} }
    callers         = { invoke = { pipeline = "deploy" } }
    alarm_topic_arn = "arn:aws:sns:us-east-1:111122223333:pages"
    registries      = { images = { replication_regions = ["eu-west-1"] } }
  }

  assert {
    condition = (
      length(aws_sqs_queue.setup) + length(aws_sqs_queue.dead_letters) + length(aws_sqs_queue_policy.queue) + length(aws_lambda_event_source_mapping.setup) == 0
      && length(aws_cloudwatch_event_rule.home) + length(aws_cloudwatch_event_rule.replica) + length(aws_iam_role.forwarding) == 0
      && length(aws_cloudwatch_metric_alarm.queue) == 0 && output.setup_queue == null
    )
    error_message = "Without the events door there are no queues, rules or their alarms."
  }
  assert {
    condition     = length(aws_lambda_function_url.door) == 0 && output.functions.invoke.url == null
    error_message = "The invoke door has no URL."
  }
  assert {
    condition     = { for key, attachment in aws_iam_role_policy_attachment.caller : key => attachment.role } == { "invoke/pipeline" = "deploy" }
    error_message = "A named caller gets the door's policy."
  }
  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.function) : alarm.alarm_actions == toset(["arn:aws:sns:us-east-1:111122223333:pages"])])
    error_message = "Alarms go to the topic."
  }
}

run "events_only" {
  command = plan

  variables {
    doors = { events = {} }
  }

  assert {
    condition     = length(aws_iam_role.minting) == 0 && !can(jsondecode(output.bindings.images).pullRoleArn)
    error_message = "Without a door that mints, no role is there to be assumed."
  }
}
