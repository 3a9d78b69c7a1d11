mock_provider "google" {
  source = "./tests/mocks/google"
}

mock_provider "archive" {
  source = "./tests/mocks/archive"
}

mock_provider "time" {}

mock_provider "random" {}

variables {
  project_id          = "acme-functions"
  registry_project_id = "acme-registries"
  region              = "europe-west1"
  prefix              = "acme"
  package_path        = "../../dist/gcp"
  oidc_issuers        = [{ issuer = "https://token.example", audience = "acme" }]
  registries          = { images = {} }
}

run "every_door" {
  command = plan

  variables {
    doors = {
      platform  = { min_instances = 1, ingress = "ALLOW_INTERNAL_AND_GCLB" }
      oidc      = { memory_mib = 256, cpu = 0.5, concurrency = 1 }
      invoke    = { max_instances = 7 }
      events    = {}
      provision = { timeout = 45 }
    }
  }

  assert {
    condition     = keys(google_cloudfunctions2_function.door) == ["events", "invoke", "oidc", "platform", "provision"]
    error_message = "Each door that is wanted is a function of its own."
  }
  assert {
    condition     = alltrue([for function in values(google_cloudfunctions2_function.door) : function.build_config[0].runtime == "nodejs24"])
    error_message = "Functions run under Node.js 24."
  }
  assert {
    condition     = { for door, function in google_cloudfunctions2_function.door : door => function.build_config[0].entry_point if function.build_config[0].entry_point != "artifactRegistry" } == { events = "artifactRegistryEvents" }
    error_message = "Events have an entry point of their own, the other doors the one for HTTP."
  }
  assert {
    condition = alltrue([for door, function in google_cloudfunctions2_function.door :
      function.service_config[0].environment_variables.ALIEN_DOOR == door && function.service_config[0].environment_variables.NODE_ENV == "production"
    ])
    error_message = "A function knows its door, and tells nobody of errors."
  }
  assert {
    condition     = length(distinct([for function in values(google_cloudfunctions2_function.door) : function.service_config[0].service_account_email])) == 5 && google_cloudfunctions2_function.door["oidc"].service_config[0].service_account_email == "acme-oidc@acme-functions.iam.gserviceaccount.com"
    error_message = "Each door has an account of its own."
  }
  assert {
    condition = (
      google_cloudfunctions2_function.door["platform"].service_config[0].min_instance_count == 1
      && google_cloudfunctions2_function.door["oidc"].service_config[0].available_memory == "256Mi"
      && google_cloudfunctions2_function.door["oidc"].service_config[0].available_cpu == "0.5"
      && google_cloudfunctions2_function.door["oidc"].service_config[0].max_instance_request_concurrency == 1
      && google_cloudfunctions2_function.door["invoke"].service_config[0].max_instance_count == 7
      && google_cloudfunctions2_function.door["provision"].service_config[0].timeout_seconds == 45
    )
    error_message = "Doors are sized one by one."
  }
  assert {
    condition = { for door, function in google_cloudfunctions2_function.door : door => function.service_config[0].ingress_settings } == {
      events    = "ALLOW_INTERNAL_ONLY"
      invoke    = "ALLOW_ALL"
      oidc      = "ALLOW_ALL"
      platform  = "ALLOW_INTERNAL_AND_GCLB"
      provision = "ALLOW_ALL"
    }
    error_message = "Events come from inside; the other doors' ingress is for the operator to say."
  }
  assert {
    condition     = [for door, function in google_cloudfunctions2_function.door : door if contains(keys(function.service_config[0].environment_variables), "ALIEN_OIDC_ISSUERS")] == ["oidc"]
    error_message = "Only the oidc door knows issuers."
  }
  assert {
    condition = (
      [for door, function in google_cloudfunctions2_function.door : door if contains(keys(function.service_config[0].environment_variables), "ALIEN_DEAD_LETTER_TOPIC")] == ["events"]
      && google_cloudfunctions2_function.door["events"].service_config[0].environment_variables.ALIEN_DEAD_LETTER_TOPIC == "projects/acme-functions/topics/acme-dead-letters"
    )
    error_message = "Only the events door knows the topic for dead letters."
  }
  assert {
    condition = (
      [for door, function in google_cloudfunctions2_function.door : door if contains(keys(function.service_config[0].environment_variables), "ALIEN_FUNCTION_SERVICE_ACCOUNTS")] == ["provision"]
      && google_cloudfunctions2_function.door["provision"].service_config[0].environment_variables.ALIEN_FUNCTION_SERVICE_ACCOUNTS == join(",", [for door in ["invoke", "oidc", "platform"] : "acme-${door}@acme-functions.iam.gserviceaccount.com"])
    )
    error_message = "The provision door knows who mints: neither the events door nor itself."
  }
  assert {
    condition = alltrue([for function in values(google_cloudfunctions2_function.door) :
      function.build_config[0].service_account == "projects/acme-functions/serviceAccounts/acme-build@acme-functions.iam.gserviceaccount.com"
      && function.build_config[0].docker_repository == "projects/acme-functions/locations/europe-west1/repositories/acme-functions"
      && function.build_config[0].source[0].storage_source[0].bucket == "acme-source-111122223333"
      && function.build_config[0].source[0].storage_source[0].object == "5feceb66.zip"
    ])
    error_message = "Functions are built under an account of their own, into a repository of their own, and anew from another archive."
  }
  assert {
    condition     = google_storage_bucket.source[0].public_access_prevention == "enforced" && google_storage_bucket.source[0].uniform_bucket_level_access
    error_message = "The archive is never public."
  }
}

run "by_default" {
  command = plan

  assert {
    condition     = keys(google_cloudfunctions2_function.door) == ["events", "platform"]
    error_message = "Neither the public door nor the doors that believe everybody are deployed by default."
  }
  assert {
    condition = (
      google_cloudfunctions2_function.door["platform"].service_config[0].min_instance_count == 0
      && google_cloudfunctions2_function.door["platform"].service_config[0].max_instance_count == 10
    )
    error_message = "Functions go to nothing when nobody calls, and are bounded."
  }
  assert {
    condition     = google_logging_project_bucket_config.logs.retention_days == 90 && strcontains(google_logging_project_sink.logs.filter, "(\"acme-events\" OR \"acme-platform\")")
    error_message = "The functions' logs are kept for 90 days."
  }
  assert {
    condition     = alltrue([for alert in values(google_monitoring_alert_policy.alert) : length(alert.notification_channels) == 0])
    error_message = "Without channels alerts tell nobody."
  }
}

run "invokers" {
  command = plan

  variables {
    doors   = { platform = {}, oidc = {}, invoke = {}, events = {}, provision = {} }
    callers = { platform = ["serviceAccount:deploy@acme-ci.iam.gserviceaccount.com"], provision = ["group:operators@acme.example"] }
  }

  assert {
    condition = { for door, binding in google_cloud_run_v2_service_iam_binding.invoker : door => join(" ", binding.members) } == {
      events    = "serviceAccount:acme-trigger@acme-functions.iam.gserviceaccount.com"
      invoke    = ""
      oidc      = "allUsers"
      platform  = "serviceAccount:deploy@acme-ci.iam.gserviceaccount.com"
      provision = "group:operators@acme.example"
    }
    error_message = "Everybody may call the oidc door, the subscription the events door, and those who are named the others."
  }
  assert {
    condition     = alltrue([for binding in values(google_cloud_run_v2_service_iam_binding.invoker) : binding.role == "roles/run.invoker"])
    error_message = "Whoever calls may only call."
  }
}

run "labels_and_logs" {
  command = plan

  variables {
    labels             = { team = "acme" }
    log_retention_days = 30
  }

  assert {
    condition = alltrue([for labels in concat(
      values(google_cloudfunctions2_function.door)[*].labels,
      values(google_pubsub_topic.topic)[*].labels,
      google_pubsub_subscription.setup[*].labels,
      google_pubsub_subscription.dead_letters[*].labels,
      values(google_monitoring_alert_policy.alert)[*].user_labels,
      [google_storage_bucket.source[0].labels, google_artifact_registry_repository.functions[0].labels],
    ) : labels == tomap({ team = "acme" })])
    error_message = "Everything that has labels has these."
  }
  assert {
    condition     = google_logging_project_bucket_config.logs.retention_days == 30
    error_message = "Logs are kept as long as is said."
  }
  assert {
    condition     = { for door, account in google_service_account.function : door => account.account_id } == { events = "acme-events", platform = "acme-platform" } && google_service_account.trigger[0].account_id == "acme-trigger" && google_service_account.build[0].account_id == "acme-build"
    error_message = "Each account has its own purpose, and bears its name."
  }
}

run "apis" {
  command = plan

  assert {
    condition     = alltrue([for service in values(google_project_service.needed) : service.disable_on_destroy == false])
    error_message = "An API that others may use stays on."
  }
  assert {
    condition = [for key in keys(google_project_service.needed) : key if startswith(key, "acme-registries/")] == [
      for service in ["artifactregistry", "cloudresourcemanager", "iam", "iamcredentials"] : "acme-registries/${service}"
    ]
    error_message = "The registries' project has the APIs that registries need."
  }
  assert {
    condition     = alltrue([for service in ["cloudbuild", "cloudfunctions", "iamcredentials", "pubsub", "run"] : contains(keys(google_project_service.needed), "acme-functions/${service}")])
    error_message = "The functions' project has the APIs that functions need."
  }
}

run "alerts" {
  command = plan

  variables {
    doors                 = { oidc = {}, events = {} }
    notification_channels = ["projects/acme-functions/notificationChannels/1"]
  }

  assert {
    condition     = keys(google_monitoring_alert_policy.alert) == ["backlog", "dead-letters", "events-throttles", "oidc-errors", "oidc-throttles"]
    error_message = "Functions have alerts for errors and throttles, the subscriptions for what they hold."
  }
  assert {
    condition     = alltrue([for alert in values(google_monitoring_alert_policy.alert) : alert.notification_channels == tolist(["projects/acme-functions/notificationChannels/1"])])
    error_message = "Alerts go to the channels."
  }
  assert {
    condition = (
      strcontains(google_monitoring_alert_policy.alert["dead-letters"].conditions[0].condition_threshold[0].filter, "subscription_id = \"acme-dead-letters\"")
      && google_monitoring_alert_policy.alert["dead-letters"].conditions[0].condition_threshold[0].threshold_value == 0
    )
    error_message = "One dead letter is enough."
  }
}

# Last: OpenTofu can neither plan again nor take away what was applied with a mock provider; it leaves an errored_test.tfstate.
run "an_open_platform_door" {
  command = apply

  variables {
    doors = { platform = {} }
  }

  override_data {
    target = data.google_cloud_run_v2_service.door
    values = { uri = "https://door.example", invoker_iam_disabled = true }
  }

  expect_failures = [data.google_cloud_run_v2_service.door]
}

run "keys_of_lists" {
  # The keys are made when it is applied.
  command = apply

  variables {
    doors           = { platform = {}, oidc = {}, invoke = {}, events = {}, provision = {} }
    page_key_number = 3
  }

  assert {
    condition     = keys(random_bytes.page_key) == ["2", "3"]
    error_message = "There is the key, and the one before it."
  }
  assert {
    condition = alltrue([for door in ["platform", "oidc", "invoke"] :
      google_cloudfunctions2_function.door[door].service_config[0].environment_variables.ALIEN_PAGE_KEY == "${random_bytes.page_key["3"].base64},${random_bytes.page_key["2"].base64}"
    ])
    error_message = "The doors for callers seal under the newer key, and read the older one."
  }
  assert {
    condition     = alltrue([for door in ["events", "provision"] : !contains(keys(google_cloudfunctions2_function.door[door].service_config[0].environment_variables), "ALIEN_PAGE_KEY")])
    error_message = "Whoever lists nothing has no key."
  }
}
