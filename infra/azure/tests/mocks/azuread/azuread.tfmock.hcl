# Ids in the form that Entra gives them.
mock_resource "azuread_application" {
  defaults = {
    id        = "/applications/cccccccc-0000-4000-8000-000000000002"
    client_id = "cccccccc-0000-4000-8000-000000000001"
  }
}

mock_resource "azuread_service_principal" {
  defaults = { object_id = "cccccccc-0000-4000-8000-000000000003" }
}
