# What the rules of each door let its callers do. rules.tf, which the modules of all platforms share, asks for the public door only, and not
# for grantees: here a door that edits no grants must have no right to write policies.
locals {
  # The issuers of a door's callers. The doors that tell no callers apart have one issuer, so that each has what the rules for all of them
  # need.
  door_issuers = { for door in keys(var.doors) : door => door == "oidc" ? toset([for each in var.oidc_issuers : each.issuer]) : toset([door == "platform" ? "gcp" : "door"]) }
  door_rules = { for door, issuers in local.door_issuers : door => [
    for rule in var.access_rules : rule if anytrue([for caller in rule.callers : contains(issuers, caller.issuer)])
  ] }
  # A rule without grantees lets nobody edit grants, whatever its operations.
  granting = ["addCrossAccountAccess", "removeCrossAccountAccess", "removeGranteeAccess", "setupRepository"]

  # What the rules let a door's callers do, in the words of operations.json; all of it where a file that the plan does not see has the
  # rules. An operation's name is matched as the functions match it. Subjects and repositories may be known only when the plan is
  # applied, so that nothing here looks at them.
  door_needs = { for door, rules in local.door_rules : door => var.access_rules_file != null ? distinct(flatten(values(local.operations))) : distinct(flatten([for rule in rules : [
    for operation in setsubtract(flatten(values(local.operations)), ["push-pull"]) :
    concat([operation], operation == "generateCredentials" ? flatten([for field, value in rule : [for each in value == null ? [] : value : each if each == "push-pull"] if field == "permissions"]) : [])
    if anytrue([for pattern in rule.operations : can(regex("^${replace(replace(pattern, "/[^A-Za-z*]/", "!"), "*", ".*")}$", operation))])
    && (!contains(local.granting, operation) || length(flatten([for field, value in rule : [for each in value == null ? [] : value : each] if field == "grantees"])) > 0)
  ]])) }
  door_lacks = { for door, needs in local.door_needs : door => [for right, operations in local.operations : right if length(setintersection(operations, needs)) == 0] }
}
