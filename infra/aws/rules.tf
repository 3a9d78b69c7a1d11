locals {
  # As they were written, without what is null.
  access_rules = [for rule in var.access_rules : merge(
    { for field, value in rule : field => value if value != null },
    { callers = [for caller in rule.callers : { for field, value in caller : field => value if value != null }] },
  )]
  oidc_issuers = [for issuer in var.oidc_issuers : { for field, value in issuer : field => value if value != null }]

  # Whom each door believes: by the issuers of its callers. The events door serves set-up and replicas, the provision door registries,
  # whatever the rules say, so that their rights do not hang on these.
  door_issuers = { platform = ["aws"], oidc = [for each in var.oidc_issuers : each.issuer], invoke = ["door"] }

  # What the rules let callers of a door do, in the words of operations.json; all of it where a file that the plan does not
  # see has the rules. An operation's name is matched as the functions match it. Subjects and repositories may be known only when the
  # plan is applied, so that nothing here looks at them.
  served = setsubtract(flatten(values(local.operations)), ["push-pull"])
  door_needs = { for door, issuers in local.door_issuers : door => var.access_rules_file != null ? distinct(flatten(values(local.operations))) : distinct(flatten([
    for rule in var.access_rules : [
      for operation in local.served :
      concat([operation], operation == "generateCredentials" ? flatten([for field, value in rule : [for each in value == null ? [] : value : each if each == "push-pull"] if field == "permissions"]) : [])
      if anytrue([for pattern in rule.operations : can(regex("^${replace(replace(pattern, "/[^A-Za-z*]/", "!"), "*", ".*")}$", operation))])
    ] if anytrue([for caller in rule.callers : contains(issuers, caller.issuer)])
  ])) }
  door_lacks = { for door, needs in local.door_needs : door => [for right, operations in local.operations : right if length(setintersection(operations, needs)) == 0] }
}
