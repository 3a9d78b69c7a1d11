# As Azure answers for a function app.
mock_resource "azapi_resource" {
  defaults = {
    id     = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/acme-functions/providers/Microsoft.Web/sites/acme"
    output = { properties = { defaultHostName = "acme.azurewebsites.net" } }
  }
}
