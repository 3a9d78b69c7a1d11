# What the rules of each door let its callers do, as infra/gcp has it. rules.tf, which the modules of all platforms share, asks for the public
# door only, and not for grantees: here a door that edits no grants must have no right to write policies.
locals {
  # The issuers of a door's callers. The events door serves set-up and replicas, and the provision door registries, whatever the rules say, so
  # that their rights do not hang on these.
  door_issuers = { platform = ["aws"], oidc = [for each in var.oidc_issuers : each.issuer], invoke = ["door"] }
  door_rules = { for door, issuers in local.door_issuers : door => [
    for rule in var.access_rules : rule if anytrue([for caller in rule.callers : contains(issuers, caller.issuer)])
  ] }
  # A rule without grantees lets nobody edit grants, whatever its operations.
  granting = ["addCrossAccountAccess", "removeCrossAccountAccess", "removeGranteeAccess"]

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
