# For container registries without public access: the functions go out through a subnet, and reach the registries by private endpoints.
resource "azurerm_private_endpoint" "registry" {
  for_each = toset(var.network == null ? [] : tolist(var.network.private_endpoints.registries))

  name                = "${var.prefix}-${each.key}-registry"
  resource_group_name = var.resource_group_name
  location            = var.location
  subnet_id           = var.network.private_endpoints.subnet_id
  tags                = var.tags

  private_service_connection {
    name                           = "${var.prefix}-${each.key}-registry"
    private_connection_resource_id = local.registries[each.key].id
    subresource_names              = ["registry"]
    is_manual_connection           = false
  }

  # Where the zones are not named here, a policy of yours or somebody has to write the records.
  dynamic "private_dns_zone_group" {
    for_each = length(var.network.private_endpoints.dns_zone_ids) > 0 ? [var.network.private_endpoints.dns_zone_ids] : []
    content {
      name                 = "registry"
      private_dns_zone_ids = private_dns_zone_group.value
    }
  }
}
