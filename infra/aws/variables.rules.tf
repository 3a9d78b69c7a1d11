locals {
  json_text  = "\"(?:[^\"\\\\]|\\\\.)+\""
  json_texts = "\\[(?:${local.json_text},?)*\\]"

  # The fields of a rule, of its callers and of an issuer, as core/rules.ts and core/oidc-issuers.ts have them, each with what its JSON
  # looks like. An issuer's files are left out: a function has none.
  rule_fields = {
    callers       = "\\[.*\\]"
    operations    = local.json_texts
    registries    = local.json_texts
    repositories  = local.json_texts
    permissions   = "\\[(?:\"(?:pull|push-pull)\",?)*\\]"
    maxTtlSeconds = "[1-9][0-9]*"
    via           = "\\[(?:\"(?:registry|gateway)\",?)*\\]"
    grantees      = local.json_texts
    consumer      = local.json_text
  }
  caller_fields = {
    issuer  = "\"[^*\"]+\""
    subject = local.json_text
    claims  = "\\{(?:${local.json_text}:(?:${local.json_text}|\\[(?:${local.json_text},?)+\\]),?)*\\}"
  }
  issuer_fields = {
    issuer          = "\"https://[^\"]+\""
    audience        = local.json_text
    jwksUri         = "\"https://[^\"]+\""
    maxTokenSeconds = "[1-9][0-9]*"
  }
  rule_required   = ["callers", "operations", "registries", "repositories"]
  caller_required = ["issuer", "subject"]
  issuer_required = ["issuer", "audience"]
}

# Both variables are of any type, because Terraform drops without a word what a type does not have, and a rule that lost a field is wider
# than it was written. What is no rule is refused here instead. A field that is null counts as left out; a claim that is null does not.
variable "access_rules" {
  description = <<-EOT
    Who may do what (ALIEN_ACCESS_RULES): a list of { callers = [{ issuer, subject, claims? }], operations, registries, repositories,
    permissions?, maxTtlSeconds?, via?, grantees?, consumer? }. What no rule allows is refused. A rule without permissions lets its callers
    pull and not push; a rule without grantees allows no grant to anybody. The oidc door has only the rights that the rules for callers of
    oidc_issuers need, so that the plan must know the issuers, operations and permissions in them. The same holds of platform and invoke, by
    the issuers aws and door.
  EOT
  type        = any
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(flatten([for rule in var.access_rules : keys(rule)]), keys(local.rule_fields))) == 0
    error_message = "A rule has no field ${join(", ", setsubtract(flatten([for rule in var.access_rules : keys(rule)]), keys(local.rule_fields)))}. It may have ${join(", ", keys(local.rule_fields))}."
  }
  validation {
    condition     = alltrue([for rule in var.access_rules : length(setsubtract(local.rule_required, [for field, value in rule : field if value != null])) == 0])
    error_message = "Each rule must have ${join(", ", local.rule_required)}."
  }
  validation {
    condition = alltrue(flatten([for rule in var.access_rules : [
      for field, value in rule : can(regex("^(?:${lookup(local.rule_fields, field, ".*")})$", jsonencode(value))) if value != null
    ]]))
    error_message = "In a rule, maxTtlSeconds must be a whole number from 1 on and consumer a text. All else are lists of texts; permissions are pull and push-pull, and via is registry and gateway, without wildcards."
  }
  validation {
    condition = length(setsubtract(flatten([for rule in var.access_rules : [
      for field, value in rule : [for caller in value : keys(caller)] if field == "callers" && value != null
    ]]), keys(local.caller_fields))) == 0
    error_message = "A rule's caller may have ${join(", ", keys(local.caller_fields))}, and nothing else."
  }
  validation {
    condition = alltrue(flatten([for rule in var.access_rules : [for field, value in rule : [
      for caller in value : length(setsubtract(local.caller_required, [for name, each in caller : name if each != null])) == 0
    ] if field == "callers" && value != null]]))
    error_message = "Each caller must have ${join(" and ", local.caller_required)}."
  }
  validation {
    condition = alltrue(flatten([for rule in var.access_rules : [for field, value in rule : [for caller in value : [
      for name, each in caller : can(regex("^(?:${lookup(local.caller_fields, name, ".*")})$", jsonencode(each))) if each != null
    ]] if field == "callers" && value != null]]))
    error_message = "A caller's issuer must be one issuer, without wildcards. Its claims are patterns by the claims' names, each a text or a list of texts, none of them empty or null."
  }
}

variable "oidc_issuers" {
  description = "Whose tokens the oidc door takes (ALIEN_OIDC_ISSUERS): a list of { issuer, audience, jwksUri?, maxTokenSeconds? }. An issuer is an https URL, with the audience that its tokens must name. They may live for maxTokenSeconds, by default for a day."
  type        = any
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(flatten([for each in var.oidc_issuers : keys(each)]), keys(local.issuer_fields))) == 0
    error_message = "An issuer may have ${join(", ", keys(local.issuer_fields))}, and nothing else."
  }
  validation {
    condition = alltrue([for each in var.oidc_issuers : length(setsubtract(local.issuer_required, [for field, value in each : field if value != null])) == 0]) && alltrue(flatten([
      for each in var.oidc_issuers : [for field, value in each : can(regex("^(?:${lookup(local.issuer_fields, field, ".*")})$", jsonencode(value))) if value != null]
    ]))
    error_message = "An issuer must be an https URL, with an audience. Its jwksUri is an https URL, and its maxTokenSeconds a whole number from 1 on."
  }
  validation {
    condition     = length(distinct([for each in var.oidc_issuers : lookup(each, "issuer", "")])) == length(var.oidc_issuers)
    error_message = "Name each issuer once."
  }
}
