locals {
  page_keys = [for number in [var.page_key_number, var.page_key_number - 1] : tostring(number)]

  environments = {
    for door in keys(var.doors) : door => {
      for name, value in merge(
        { for name, registry in local.registries : registry.variable => local.bindings[name] },
        {
          # Else the framework answers with the messages of errors that nobody caught.
          NODE_ENV                 = "production"
          ALIEN_DOOR               = door
          ALIEN_REGISTRIES         = join(",", keys(var.registries))
          ALIEN_ACCESS_RULES_FILE  = var.access_rules_file
          ALIEN_ACCESS_RULES       = length(var.access_rules) == 0 ? null : jsonencode(local.access_rules)
          ALIEN_OIDC_ISSUERS       = door != "oidc" ? null : jsonencode(local.oidc_issuers)
          ALIEN_PLATFORM_AUDIENCES = door != "platform" ? null : join(",", var.platform_audiences)
          ALIEN_DEAD_LETTER_TOPIC  = door != "events" ? null : local.dead_letter_topic
          # Whom the accounts that it makes let mint.
          ALIEN_FUNCTION_SERVICE_ACCOUNTS = door != "provision" ? null : join(",", [for each in local.minting_doors : local.function_emails[each]])
          ALIEN_STACK_PREFIX              = var.derived_registries ? var.prefix : null
          GOOGLE_CLOUD_PROJECT            = local.registry_project
          GOOGLE_CLOUD_LOCATION           = var.region
        },
      ) : name => value if value != null && value != ""
    }
  }
  entry_points = { for door in keys(var.doors) : door => door == "events" ? "artifactRegistryEvents" : "artifactRegistry" }
  door_ingress = { for door, each in var.doors : door => coalesce(each.ingress, door == "events" ? "ALLOW_INTERNAL_ONLY" : "ALLOW_ALL") }

  # The services behind the doors, whichever way they were made: their names, and the URLs that are the audiences of their callers' tokens.
  services_by_door = local.builds ? {
    for door, function in google_cloudfunctions2_function.door : door => { name = function.name, uri = data.google_cloud_run_v2_service.door[door].uri }
    } : {
    for door, service in google_cloud_run_v2_service.door : door => { name = service.name, uri = service.uri }
  }

  # Under it the tokens are sealed with which lists go on. The key before it is still read, so that a rotation ends no list.
  page_environment = { for door in keys(var.doors) : door => contains(local.minting_doors, door) ? {
    ALIEN_PAGE_KEY = join(",", [for number in local.page_keys : random_bytes.page_key[number].base64])
  } : {} }

  # The tag that provisioning attaches, and that the other doors name where they are refused. Its id is known only when it is there.
  tag_environment = { for id in google_tags_tag_value.provisioned[*].id : "ALIEN_REGISTRY_TAG" => id }
}

resource "random_bytes" "page_key" {
  for_each = toset(local.page_keys)

  length = 32
}

resource "google_cloudfunctions2_function" "door" {
  for_each = local.builds ? var.doors : {}

  project      = var.project_id
  location     = var.region
  name         = "${var.prefix}-${each.key}"
  description  = "Artifact registry: the ${each.key} door."
  kms_key_name = local.kms_key
  labels       = var.labels

  build_config {
    runtime           = "nodejs24"
    entry_point       = local.entry_points[each.key]
    service_account   = "projects/${var.project_id}/serviceAccounts/${local.build_email}"
    docker_repository = "projects/${var.project_id}/locations/${var.region}/repositories/${google_artifact_registry_repository.functions[0].repository_id}"

    source {
      storage_source {
        bucket = local.package.bucket
        object = local.package.name
      }
    }
  }

  service_config {
    service_account_email            = local.function_emails[each.key]
    available_memory                 = "${each.value.memory_mib}Mi"
    available_cpu                    = tostring(each.value.cpu)
    timeout_seconds                  = each.value.timeout
    min_instance_count               = each.value.min_instances
    max_instance_count               = each.value.max_instances
    max_instance_request_concurrency = each.value.concurrency
    ingress_settings                 = local.door_ingress[each.key]
    all_traffic_on_latest_revision   = true
    environment_variables            = merge(local.environments[each.key], local.tag_environment, local.page_environment[each.key])
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
    time_sleep.build,
    time_sleep.key,
  ]
}

# Where the functions are reached: the audience of their callers' tokens too.
data "google_cloud_run_v2_service" "door" {
  for_each = local.builds ? var.doors : {}

  project  = var.project_id
  location = var.region
  # A function's service bears its name. The id, unlike the name, is known only once the function is there.
  name = element(split("/", google_cloudfunctions2_function.door[each.key].id), -1)

  lifecycle {
    postcondition {
      condition     = each.key == "oidc" || self.invoker_iam_disabled != true
      error_message = "Anybody may call the ${each.key} door, since IAM is not asked: Google verifies no tokens there, and the function would believe anybody's. Turn the check for invokers on again."
    }
  }
}
