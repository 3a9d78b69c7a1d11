output "functions" {
  description = "The functions, by door: name, ARN, and the URL where the door has one."
  value = {
    for door in keys(var.doors) : door => {
      name = aws_lambda_function.door[door].function_name
      arn  = aws_lambda_function.door[door].arn
      url  = contains(keys(aws_lambda_function_url.door), door) ? aws_lambda_function_url.door[door].function_url : null
    }
  }
}

output "bindings" {
  description = "The binding of each registry, as JSON: what ALIEN_{NAME}_BINDING holds."
  value       = local.bindings
}

output "function_role_arns" {
  description = "Execution roles, by door."
  value       = local.function_role_arns
}

output "minting_role_arns" {
  description = "Pull and push roles, by registry, whoever makes them."
  value       = local.role_arns
}

output "minting_boundary_arn" {
  description = "The permissions boundary of the pull and push roles of ECR registries."
  value       = local.minting_boundary
}

output "caller_policy_arns" {
  description = "Policies with which roles of this account may call, by door."
  value       = { for door, policy in aws_iam_policy.caller : door => policy.arn }
}

output "lease_table" {
  description = "Name of the table of leases; null without ECR registries."
  value       = length(local.spaces) > 0 ? local.lease_table : null
}

output "setup_queue" {
  description = "The queue that set-up events may also be sent to directly, as CloudEvents; null without the events door."
  value       = local.takes_events ? { url = aws_sqs_queue.setup[0].url, arn = local.setup_queue_arn } : null
}

output "dead_letter_queue" {
  description = "Where events go that can never succeed, each with its reason; null without the events door."
  value       = local.takes_events ? { url = aws_sqs_queue.dead_letters[0].url, arn = local.dead_letter_queue_arn } : null
}
