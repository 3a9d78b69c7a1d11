locals {
  # As they were written, without what is null.
  access_rules = [for rule in var.access_rules : merge(
    { for field, value in rule : field => value if value != null },
    { callers = [for caller in rule.callers : { for field, value in caller : field => value if value != null }] },
  )]
  oidc_issuers = [for issuer in var.oidc_issuers : { for field, value in issuer : field => value if value != null }]

  # What the rules let callers of the oidc door do, in the words of operations.json; all of it where a file that the plan does not
  # see has the rules. An operation's name is matched as the functions match it. Subjects and repositories may be known only when the
  # plan is applied, so that nothing here looks at them.
  oidc_rules = [for rule in var.access_rules : rule if anytrue([for caller in rule.callers : contains([for each in var.oidc_issuers : each.issuer], caller.issuer)])]
  oidc_needs = var.access_rules_file != null ? distinct(flatten(values(local.operations))) : distinct(flatten([for rule in local.oidc_rules : [
    for operation in setsubtract(flatten(values(local.operations)), ["push-pull"]) :
    concat([operation], operation == "generateCredentials" ? flatten([for field, value in rule : [for each in value == null ? [] : value : each if each == "push-pull"] if field == "permissions"]) : [])
    if anytrue([for pattern in rule.operations : can(regex("^${replace(replace(pattern, "/[^A-Za-z*]/", "!"), "*", ".*")}$", operation))])
  ]]))
  oidc_lacks = [for right, operations in local.operations : right if length(setintersection(operations, local.oidc_needs)) == 0]
}
