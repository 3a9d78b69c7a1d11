# One execution role per door, with what its code calls and nothing else.
resource "aws_iam_role" "function" {
  for_each = var.doors

  name                 = "${var.prefix}-${each.key}"
  description          = "Runs the ${each.key} door of the artifact registry ${var.prefix}."
  assume_role_policy   = jsonencode(jsondecode(file("${path.module}/policies/function-trust.json.tftpl")))
  permissions_boundary = local.boundary_of_all
  tags                 = var.tags
}

# Lambda puts the function into the network in the role's name.
resource "aws_iam_role_policy_attachment" "network" {
  for_each = var.network == null ? {} : var.doors

  role       = aws_iam_role.function[each.key].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AWSLambdaENIManagementAccess"
}

resource "aws_iam_role_policy" "function" {
  for_each = local.door_policies

  name   = split("/", each.key)[1]
  role   = aws_iam_role.function[split("/", each.key)[0]].name
  policy = each.value

  lifecycle {
    precondition {
      # IAM counts all inline policies of a role together.
      condition = sum([
        for key, policy in local.door_policies : length(policy) if split("/", key)[0] == split("/", each.key)[0]
      ]) <= 10240
      error_message = "The policies of the ${split("/", each.key)[0]} door exceed 10,240 characters: serve fewer registries or regions with one deployment."
    }
  }
}
