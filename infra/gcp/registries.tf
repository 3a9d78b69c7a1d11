locals {
  registry_project  = coalesce(var.registry_project_id, var.project_id)
  registry_projects = toset(concat([local.registry_project], [for registry in values(local.registries) : registry.project]))

  registries = {
    for name, registry in var.registries : name => {
      project    = coalesce(registry.project_id, local.registry_project)
      location   = coalesce(registry.location, var.region)
      repository = coalesce(registry.repository_id, "${var.prefix}-${name}")
      variable   = "ALIEN_${upper(replace(name, "-", "_"))}_BINDING"
      given      = { pull = registry.pull_service_account, push = registry.push_service_account }
    }
  }

  # The accounts that credentials are minted for; those that are not given are made here.
  minting_accounts = merge([
    for name, registry in local.registries : {
      for kind, account in registry.given : "${name}/${kind}" => {
        registry = name
        kind     = kind
        made     = account == null
        # Not told by the e-mail address, which need not be known yet: roles go by projects.
        project = account == null ? registry.project : coalesce(account.project_id, registry.project)
        id      = local.account_ids[name][kind]
        email   = account == null ? "${local.account_ids[name][kind]}@${local.account_domains[registry.project]}" : account.email
      }
    }
  ]...)
  # {repository}-pull and {repository}-push, with a hash where that is no id of an account: the rule of provisionRegistry.
  account_ids = {
    for name, registry in local.registries : name => {
      for kind in ["pull", "push"] : kind => length(registry.repository) <= 25 && !can(regex("-[a-z2-7]{20}$", registry.repository)) ? "${registry.repository}-${kind}" : join("-", [
        replace(substr(replace(registry.repository, "/-+/", "-"), 0, 4), "/-+$/", ""),
        join("", [for place in range(20) : substr("abcdefghijklmnopqrstuvwxyz234567", floor(local.hash_numbers[name] / pow(2, 5 * place)) % 32, 1)]),
        kind,
      ])
    }
  }
  hash_numbers = { for name, registry in local.registries : name => parseint(substr(sha256(registry.repository), 0, 26), 16) }
  # A domain-scoped project, example.com:project, has accounts @project.example.com.iam.gserviceaccount.com.
  account_domains = {
    for project in setunion(local.registry_projects, [var.project_id]) : project => "${join(".", reverse(split(":", project)))}.iam.gserviceaccount.com"
  }

  bindings = {
    for name, registry in local.registries : name => jsonencode({
      for key, value in {
        service                 = "gar"
        projectId               = registry.project
        location                = registry.location
        repositoryName          = registry.repository
        pullServiceAccountEmail = local.mints ? local.minting_accounts["${name}/pull"].email : null
        pushServiceAccountEmail = local.mints ? local.minting_accounts["${name}/push"].email : null
      } : key => value if value != null
    })
  }
}
