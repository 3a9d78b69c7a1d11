# The APIs. They stay on when the module goes: others may use them.
locals {
  services = merge(
    {
      for service in concat(
        ["artifactregistry", "cloudresourcemanager", "iam", "iamcredentials", "logging", "monitoring", "run"],
        local.builds ? ["cloudbuild", "cloudfunctions", "storage"] : [],
        local.takes_events ? ["pubsub"] : [],
      ) : "${var.project_id}/${service}" => { project = var.project_id, service = "${service}.googleapis.com" }
    },
    merge([
      for project in local.registry_projects : {
        for service in ["artifactregistry", "cloudresourcemanager", "iam", "iamcredentials"] : "${project}/${service}" => { project = project, service = "${service}.googleapis.com" }
      }
    ]...),
  )
}

resource "google_project_service" "needed" {
  for_each = local.services

  project            = each.value.project
  service            = each.value.service
  disable_on_destroy = false
}
