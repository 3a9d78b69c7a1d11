# With an image, each door is a plain Cloud Run service of it. The image has the same package as the functions, and the functions framework
# starts it: FUNCTION_TARGET says which entry point, as Cloud Functions says it to theirs.
locals {
  ingress = {
    ALLOW_ALL               = "INGRESS_TRAFFIC_ALL"
    ALLOW_INTERNAL_ONLY     = "INGRESS_TRAFFIC_INTERNAL_ONLY"
    ALLOW_INTERNAL_AND_GCLB = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  }
}

resource "google_cloud_run_v2_service" "door" {
  for_each = local.builds ? {} : var.doors

  project     = var.project_id
  location    = var.region
  name        = "${var.prefix}-${each.key}"
  description = "Artifact registry: the ${each.key} door."
  labels      = var.labels
  ingress     = local.ingress[local.door_ingress[each.key]]
  # The one door that verifies its callers' tokens itself. Behind the others Google must do it.
  invoker_iam_disabled = each.key == "oidc" && var.invoker_iam_disabled
  # A door holds no data.
  deletion_protection = false

  template {
    service_account                  = local.function_emails[each.key]
    timeout                          = "${each.value.timeout}s"
    max_instance_request_concurrency = each.value.concurrency
    encryption_key                   = local.kms_key

    scaling {
      min_instance_count = each.value.min_instances
      max_instance_count = each.value.max_instances
    }

    containers {
      image = var.image.name

      resources {
        limits            = { cpu = tostring(each.value.cpu), memory = "${each.value.memory_mib}Mi" }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(local.environments[each.key], local.tag_environment, local.page_environment[each.key], { FUNCTION_TARGET = local.entry_points[each.key] })
        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = length(jsonencode(local.environments[each.key])) <= 32000
      error_message = "The environment of the ${each.key} door exceeds 32 KiB: put the rules into the package and name them with access_rules_file."
    }
  }

  depends_on = [
    google_service_account.function,
    google_artifact_registry_repository_iam_member.function,
    google_project_iam_member.function,
    google_service_account_iam_member.function,
    google_tags_tag_value_iam_member.function,
    time_sleep.key,
  ]
}
