locals {
  # Events come from the queue, and oidc callers bring their token: neither needs rights in IAM.
  callable = {
    for door, policy in { platform = "call-url", invoke = "call-function", provision = "call-function" } : door => policy
    if contains(keys(var.doors), door)
  }
}

# What a caller of this account needs. Another account's callers take a role of this one, or the oidc door.
resource "aws_iam_policy" "caller" {
  for_each = local.callable

  name        = "${var.prefix}-call-${each.key}"
  description = "Calls the ${each.key} door of the artifact registry ${var.prefix}."
  tags        = var.tags
  policy = jsonencode(jsondecode(templatefile("${path.module}/policies/${each.value}.json.tftpl", {
    function = jsonencode(local.function_arns[each.key])
    # The function may be invoked under its name, and under that of each of its versions and aliases.
    any_name = jsonencode([local.function_arns[each.key], "${local.function_arns[each.key]}:*"])
  })))
}

resource "aws_iam_role_policy_attachment" "caller" {
  for_each = merge([
    for door, roles in var.callers : { for key, role in roles : "${door}/${key}" => { door = door, role = role } }
  ]...)

  role       = each.value.role
  policy_arn = aws_iam_policy.caller[each.value.door].arn
}
