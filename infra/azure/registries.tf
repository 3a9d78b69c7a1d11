locals {
  registry_group    = coalesce(var.registry_resource_group_name, var.resource_group_name)
  registry_group_id = "/subscriptions/${local.subscription_id}/resourceGroups/${local.registry_group}"

  registries = {
    for name, registry in var.registries : name => {
      group    = coalesce(registry.resource_group_name, local.registry_group)
      group_id = "/subscriptions/${local.subscription_id}/resourceGroups/${coalesce(registry.resource_group_name, local.registry_group)}"
      id       = "/subscriptions/${local.subscription_id}/resourceGroups/${coalesce(registry.resource_group_name, local.registry_group)}/providers/Microsoft.ContainerRegistry/registries/${registry.registry_name}"
      prefix   = registry.repository_prefix
      mode     = registry.role_assignment_mode
      variable = "ALIEN_${upper(replace(name, "-", "_"))}_BINDING"
    }
  }

  bindings = {
    for name, registry in var.registries : name => jsonencode({
      for key, value in {
        service           = "acr"
        registryName      = registry.registry_name
        resourceGroupName = local.registries[name].group
        loginServer       = registry.login_server
        repositoryPrefix  = registry.repository_prefix
      } : key => value if value != null && value != ""
    })
  }
}
