# Every door for callers has the rights that the rules for its callers need, as the public one does (rules.tf).
locals {
  # Whom each door believes: by the issuers of its callers. The events door serves set-up and replicas, the provision door registries,
  # whatever the rules say, so that their rights do not hang on these.
  door_issuers = { platform = ["aws"], oidc = [], invoke = ["door"] }

  served = setsubtract(flatten(values(local.operations)), ["push-pull"])
  door_needs = { for door, issuers in local.door_issuers : door => door == "oidc" ? local.oidc_needs : var.access_rules_file != null ? distinct(flatten(values(local.operations))) : distinct(flatten([
    for rule in var.access_rules : [
      for operation in local.served :
      concat([operation], operation == "generateCredentials" ? flatten([for field, value in rule : [for each in value == null ? [] : value : each if each == "push-pull"] if field == "permissions"]) : [])
      if anytrue([for pattern in rule.operations : can(regex("^${replace(replace(pattern, "/[^A-Za-z*]/", "!"), "*", ".*")}$", operation))])
    ] if anytrue([for caller in rule.callers : contains(issuers, caller.issuer)])
  ])) }
  door_lacks = { for door, needs in local.door_needs : door => [for right, operations in local.operations : right if length(setintersection(operations, needs)) == 0] }
}
