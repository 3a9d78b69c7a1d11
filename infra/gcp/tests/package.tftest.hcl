mock_provider "google" {
  source = "./tests/mocks/google"
}

mock_provider "archive" {
  source = "./tests/mocks/archive"
}

mock_provider "time" {}

mock_provider "random" {}

variables {
  project_id   = "acme-functions"
  region       = "europe-west1"
  prefix       = "acme"
  oidc_issuers = [{ issuer = "https://token.example", audience = "acme" }]
  registries   = { images = {} }
}

run "a_folder" {
  command = plan

  variables {
    package_path = "../../dist/gcp"
  }

  assert {
    condition     = google_storage_bucket_object.package[0].name == "5feceb66.zip" && endswith(google_storage_bucket_object.package[0].source, "/.terraform/acme-gcp.zip")
    error_message = "A folder is archived here."
  }
}

# Any file will do: only its hash is taken here.
run "an_archive" {
  command = plan

  variables {
    package_zip = { path = "versions.tf" }
  }

  assert {
    condition     = length(data.archive_file.package) == 0
    error_message = "Nothing is archived while planning."
  }
  assert {
    condition = (
      google_storage_bucket_object.package[0].source == "versions.tf"
      && google_storage_bucket_object.package[0].name == "${filesha256("versions.tf")}.zip"
      && google_cloudfunctions2_function.door["platform"].build_config[0].source[0].storage_source[0].object == "${filesha256("versions.tf")}.zip"
    )
    error_message = "The archive is uploaded as it is, under a name that says what is in it."
  }
}

run "an_object" {
  command = plan

  variables {
    package_object = { bucket = "acme-packages", name = "gcp-1.2.3.zip" }
  }

  assert {
    condition     = length(data.archive_file.package) + length(google_storage_bucket.source) + length(google_storage_bucket_object.package) == 0
    error_message = "Neither plan nor apply reads a file, and nothing is uploaded."
  }
  assert {
    condition = (
      google_cloudfunctions2_function.door["platform"].build_config[0].source[0].storage_source[0].bucket == "acme-packages"
      && google_cloudfunctions2_function.door["platform"].build_config[0].source[0].storage_source[0].object == "gcp-1.2.3.zip"
    )
    error_message = "The functions are built from the object."
  }
  assert {
    condition = (
      google_storage_bucket_iam_member.build[0].bucket == "acme-packages" && google_storage_bucket_iam_member.build[0].role == "roles/storage.objectViewer"
      && google_storage_bucket_iam_member.build[0].member == "serviceAccount:acme-build@acme-functions.iam.gserviceaccount.com"
    )
    error_message = "The build account may read the object."
  }
}

run "an_image" {
  command = plan

  variables {
    image = { name = "europe-west1-docker.pkg.dev/acme-images/functions/gcp@sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9" }
    doors = {
      platform = { min_instances = 1, ingress = "ALLOW_INTERNAL_AND_GCLB" }
      oidc     = { memory_mib = 256, cpu = 0.5, concurrency = 1, timeout = 45 }
      events   = {}
    }
  }

  assert {
    condition = (
      length(google_cloudfunctions2_function.door) + length(google_storage_bucket.source) + length(google_storage_bucket_object.package) == 0
      && length(google_service_account.build) + length(google_artifact_registry_repository.functions) + length(google_project_iam_member.build_source) == 0
      && length(google_project_iam_member.build_logs) + length(google_artifact_registry_repository_iam_member.build) + length(time_sleep.build) == 0
    )
    error_message = "With an image nothing is built."
  }
  assert {
    condition     = length([for service in ["cloudbuild", "cloudfunctions", "storage"] : service if contains(keys(google_project_service.needed), "acme-functions/${service}")]) == 0
    error_message = "Nor are the APIs needed that build."
  }
  assert {
    condition     = [for service in values(google_cloud_run_v2_service.door) : service.name] == ["acme-events", "acme-oidc", "acme-platform"] && alltrue([for service in values(google_cloud_run_v2_service.door) : service.template[0].containers[0].image == var.image.name])
    error_message = "Each door is a service of the image, and bears a function's name."
  }
  assert {
    condition = { for door, service in google_cloud_run_v2_service.door : door => one([for env in service.template[0].containers[0].env : env.value if env.name == "FUNCTION_TARGET"]) } == {
      events   = "artifactRegistryEvents"
      oidc     = "artifactRegistry"
      platform = "artifactRegistry"
    }
    error_message = "The functions framework is told the entry point."
  }
  assert {
    condition     = alltrue([for door, service in google_cloud_run_v2_service.door : one([for env in service.template[0].containers[0].env : env.value if env.name == "ALIEN_DOOR"]) == door && service.template[0].service_account == "acme-${door}@acme-functions.iam.gserviceaccount.com"])
    error_message = "A service knows its door, and runs under that door's account."
  }
  assert {
    condition = { for door, service in google_cloud_run_v2_service.door : door => service.ingress } == {
      events   = "INGRESS_TRAFFIC_INTERNAL_ONLY"
      oidc     = "INGRESS_TRAFFIC_ALL"
      platform = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
    }
    error_message = "Events come from inside; the other doors' ingress is for the operator to say."
  }
  assert {
    condition = (
      google_cloud_run_v2_service.door["oidc"].template[0].containers[0].resources[0].limits == tomap({ cpu = "0.5", memory = "256Mi" })
      && google_cloud_run_v2_service.door["oidc"].template[0].max_instance_request_concurrency == 1
      && google_cloud_run_v2_service.door["oidc"].template[0].timeout == "45s"
      && google_cloud_run_v2_service.door["platform"].template[0].scaling[0].min_instance_count == 1
      && google_cloud_run_v2_service.door["platform"].template[0].scaling[0].max_instance_count == 10
    )
    error_message = "Doors are sized one by one."
  }
  assert {
    condition     = alltrue([for service in values(google_cloud_run_v2_service.door) : service.deletion_protection == false && service.invoker_iam_disabled == false])
    error_message = "Services can be destroyed, and Google asks IAM who may call them."
  }
  assert {
    condition     = [for door, binding in google_cloud_run_v2_service_iam_binding.invoker : "${binding.name} ${join(" ", binding.members)}"] == ["acme-events serviceAccount:acme-trigger@acme-functions.iam.gserviceaccount.com", "acme-oidc allUsers", "acme-platform "]
    error_message = "Services have the invokers that functions have."
  }
}

run "a_public_door_without_allUsers" {
  command = plan

  variables {
    image                = { name = "europe-west1-docker.pkg.dev/acme-images/functions/gcp@sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9" }
    doors                = { platform = {}, oidc = {}, invoke = {}, events = {} }
    invoker_iam_disabled = true
  }

  assert {
    condition     = [for door, service in google_cloud_run_v2_service.door : door if service.invoker_iam_disabled] == ["oidc"]
    error_message = "Only the door that verifies every token itself is opened."
  }
  assert {
    condition     = length(flatten([for binding in values(google_cloud_run_v2_service_iam_binding.invoker) : [for member in binding.members : member if member == "allUsers"]])) == 0
    error_message = "An organisation that restricts domains finds no allUsers."
  }
}

run "a_key" {
  command = plan

  variables {
    package_path = "../../dist/gcp"
    encryption   = { kms_key_name = "projects/acme-keys/locations/europe-west1/keyRings/acme/cryptoKeys/registry" }
  }

  assert {
    condition = alltrue([for key in concat(
      values(google_cloudfunctions2_function.door)[*].kms_key_name,
      values(google_pubsub_topic.topic)[*].kms_key_name,
      [
        google_artifact_registry_repository.functions[0].kms_key_name,
        google_storage_bucket.source[0].encryption[0].default_kms_key_name,
        google_logging_project_bucket_config.logs.cmek_settings[0].kms_key_name,
      ],
    ) : key == var.encryption.kms_key_name])
    error_message = "What can be encrypted with the key is."
  }
  assert {
    condition = { for name, member in google_kms_crypto_key_iam_member.agent : name => member.member } == {
      functions = "serviceAccount:service-111122223333@gcf-admin-robot.iam.gserviceaccount.com"
      logging   = "serviceAccount:cmek-p111122223333@gcp-sa-logging.iam.gserviceaccount.com"
      pubsub    = "serviceAccount:service-111122223333@gcp-sa-pubsub.iam.gserviceaccount.com"
      registry  = "serviceAccount:service-111122223333@gcp-sa-artifactregistry.iam.gserviceaccount.com"
      run       = "serviceAccount:service-111122223333@serverless-robot-prod.iam.gserviceaccount.com"
      storage   = "serviceAccount:service-111122223333@gs-project-accounts.iam.gserviceaccount.com"
    }
    error_message = "Google's agents may use the key."
  }
  assert {
    condition     = alltrue([for member in values(google_kms_crypto_key_iam_member.agent) : member.role == "roles/cloudkms.cryptoKeyEncrypterDecrypter" && member.crypto_key_id == var.encryption.kms_key_name])
    error_message = "They may encrypt and decrypt with it, and nothing else."
  }
  assert {
    condition     = time_sleep.key[0].create_duration == "60s"
    error_message = "Nothing is encrypted before they may."
  }
}

run "a_key_of_others" {
  command = plan

  variables {
    image      = { name = "europe-west1-docker.pkg.dev/acme-images/functions/gcp@sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9" }
    doors      = { platform = {} }
    encryption = { kms_key_name = "projects/acme-keys/locations/europe-west1/keyRings/acme/cryptoKeys/registry", grant_agents = false }
  }

  assert {
    condition     = length(google_kms_crypto_key_iam_member.agent) + length(time_sleep.key) == 0 && keys(output.kms_agents) == tolist(["logging", "run"])
    error_message = "Who must be let in is told, and the key's policy is left alone."
  }
  assert {
    condition     = google_cloud_run_v2_service.door["platform"].template[0].encryption_key == var.encryption.kms_key_name
    error_message = "Services are encrypted with the key too."
  }
}

run "no_key" {
  command = plan

  variables {
    package_path = "../../dist/gcp"
  }

  assert {
    condition     = length(google_kms_crypto_key_iam_member.agent) + length(time_sleep.key) + length(google_storage_bucket.source[0].encryption) + length(google_logging_project_bucket_config.logs.cmek_settings) == 0 && output.kms_agents == {}
    error_message = "Without a key of one's own Google's are used."
  }
}

run "a_wait" {
  command = plan

  variables {
    package_path = "../../dist/gcp"
  }

  assert {
    condition     = time_sleep.build[0].create_duration == "60s"
    error_message = "The build account's roles are waited for."
  }
}

run "no_package" {
  command = plan

  expect_failures = [var.package_path]
}

run "two_packages" {
  command = plan

  variables {
    package_path = "../../dist/gcp"
    image        = { name = "europe-west1-docker.pkg.dev/acme-images/functions/gcp@sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9" }
  }

  expect_failures = [var.package_path]
}

run "an_image_by_its_tag" {
  command = plan

  variables {
    image = { name = "europe-west1-docker.pkg.dev/acme-images/functions/gcp:1.0" }
  }

  expect_failures = [var.image]
}

run "a_function_without_the_check_for_invokers" {
  command = plan

  variables {
    package_path         = "../../dist/gcp"
    doors                = { oidc = {} }
    invoker_iam_disabled = true
  }

  expect_failures = [var.invoker_iam_disabled]
}

run "no_door_to_open" {
  command = plan

  variables {
    image                = { name = "europe-west1-docker.pkg.dev/acme-images/functions/gcp@sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9" }
    invoker_iam_disabled = true
  }

  expect_failures = [var.invoker_iam_disabled]
}

run "a_key_of_another_region" {
  command = plan

  variables {
    package_path = "../../dist/gcp"
    encryption   = { kms_key_name = "projects/acme-keys/locations/global/keyRings/acme/cryptoKeys/registry" }
  }

  expect_failures = [var.encryption]
}

# Last, as in events.tftest.hcl.
run "an_image_applied" {
  command = apply

  variables {
    image                  = { name = "europe-west1-docker.pkg.dev/acme-images/functions/gcp@sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9" }
    doors                  = { events = {} }
    setup_event_publishers = { projects = "serviceAccount:projects@acme-projects.iam.gserviceaccount.com" }
  }

  assert {
    condition     = output.functions.events == { name = "acme-events", url = "https://door.example", service_account = "acme-events@acme-functions.iam.gserviceaccount.com" }
    error_message = "A service is told as a function is."
  }
  assert {
    condition     = google_pubsub_subscription.setup[0].push_config[0].push_endpoint == "https://door.example/projects/acme-functions/topics/acme-setup"
    error_message = "Events are pushed to the service."
  }
}
