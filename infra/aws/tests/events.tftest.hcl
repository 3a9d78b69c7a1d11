mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "archive" {}

mock_provider "random" {}

variables {
  prefix       = "acme"
  package_path = "../../dist/aws"
  registries   = { images = { replication_regions = ["eu-west-1", "ap-south-1"] } }
}

run "events" {
  command = plan

  assert {
    condition     = keys(aws_cloudwatch_event_rule.home) == ["replication", "setup"] && keys(aws_cloudwatch_event_rule.replica) == ["ap-south-1", "eu-west-1"]
    error_message = "There are rules at home and in every replica region."
  }
  assert {
    condition = alltrue([for region, target in aws_cloudwatch_event_target.replica :
      target.region == region && target.arn == "arn:aws:events:us-east-1:111122223333:event-bus/default"
    ])
    error_message = "Replica regions tell home."
  }
  assert {
    condition     = alltrue([for target in values(aws_cloudwatch_event_target.home) : target.arn == "arn:aws:sqs:us-east-1:111122223333:acme-setup" && target.dead_letter_config[0].arn == "arn:aws:sqs:us-east-1:111122223333:acme-dead-letters"])
    error_message = "Home puts events into the queue, or among the dead letters."
  }
  assert {
    condition = (
      aws_cloudwatch_event_rule.replica["eu-west-1"].event_pattern == aws_cloudwatch_event_rule.home["replication"].event_pattern
      && jsondecode(aws_cloudwatch_event_rule.home["replication"].event_pattern).region == ["ap-south-1", "eu-west-1"]
      && jsondecode(aws_cloudwatch_event_rule.home["replication"].event_pattern).detail.repository-name == ["acme-images", { prefix = "acme-images-" }]
    )
    error_message = "Only replicas of our repositories are news."
  }
  assert {
    condition = (
      aws_sqs_queue.setup[0].sqs_managed_sse_enabled && aws_sqs_queue.dead_letters[0].sqs_managed_sse_enabled
      && jsondecode(aws_sqs_queue.setup[0].redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:us-east-1:111122223333:acme-dead-letters", maxReceiveCount = 5 }
      && aws_sqs_queue.setup[0].visibility_timeout_seconds >= 6 * aws_lambda_function.door["events"].timeout
      && aws_lambda_event_source_mapping.setup[0].function_response_types == toset(["ReportBatchItemFailures"])
    )
    error_message = "Messages are encrypted, answered one by one, and end among the dead letters."
  }
  assert {
    condition = alltrue([for queue_policy in values(aws_sqs_queue_policy.queue) : alltrue([for statement in jsondecode(queue_policy.policy).Statement :
      statement.Effect == "Deny" || statement.Condition == { ArnEquals = { "aws:SourceArn" = [for rule in ["replication", "setup"] : "arn:aws:events:us-east-1:111122223333:rule/acme-${rule}"] } }
    ])])
    error_message = "EventBridge may send for our rules only."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.forwarding[0].policy).Statement[0].Resource == "arn:aws:events:us-east-1:111122223333:event-bus/default"
    error_message = "Rules of the replica regions may put events on home's bus only."
  }
}

run "own_bus" {
  command = plan

  variables {
    registries          = { images = {} }
    setup_event_bus     = "projects"
    setup_event_sources = ["acme.projects"]
  }

  assert {
    condition = (
      aws_cloudwatch_event_rule.home["setup"].event_bus_name == "projects"
      && jsondecode(aws_cloudwatch_event_rule.home["setup"].event_pattern).source == ["acme.projects"]
      && strcontains(aws_sqs_queue_policy.queue["setup"].policy, "rule/projects/acme-setup")
    )
    error_message = "Set-up events may come over a bus of their own, from named sources."
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.replica) == 0 && keys(aws_cloudwatch_event_rule.home) == ["setup"]
    error_message = "Without replicas nobody waits for their events."
  }
}
