mock_provider "google" {
  source = "./tests/mocks/google"
}

mock_provider "archive" {
  source = "./tests/mocks/archive"
}

mock_provider "time" {}

mock_provider "random" {}

variables {
  package = "folder"
}

run "planned" {
  command = plan

  variables {
    package = "folder"
  }

  module {
    source = "./tests/same-configuration"
  }

  assert {
    condition     = keys(output.registry.functions) == ["events", "invoke", "oidc", "platform", "provision"] && keys(output.registry.kms_agents) == tolist(["functions", "logging", "pubsub", "registry", "run", "storage"])
    error_message = "The plan knows what there will be, before it knows what that is given."
  }
}

run "an_archive_planned" {
  command = plan

  variables {
    package = "zip"
  }

  module {
    source = "./tests/same-configuration"
  }

  assert {
    condition     = keys(output.registry.functions) == ["events", "invoke", "oidc", "platform", "provision"]
    error_message = "An archive need not be there yet."
  }
}

run "an_object_planned" {
  command = plan

  variables {
    package = "object"
  }

  module {
    source = "./tests/same-configuration"
  }

  assert {
    condition     = keys(output.registry.functions) == ["events", "invoke", "oidc", "platform", "provision"]
    error_message = "An object need not be there yet."
  }
}

run "an_image_planned" {
  command = plan

  variables {
    package = "image"
  }

  module {
    source = "./tests/same-configuration"
  }

  assert {
    condition     = keys(output.registry.functions) == ["events", "invoke", "oidc", "platform", "provision"] && keys(output.registry.kms_agents) == tolist(["logging", "pubsub", "run"])
    error_message = "The digest of an image need not be known yet."
  }
}

# Last, as in events.tftest.hcl.
run "applied" {
  command = apply

  variables {
    package = "image"
  }

  module {
    source = "./tests/same-configuration"
  }

  override_resource {
    target = google_service_account.pipeline
    values = { member = "serviceAccount:acme-pipeline@acme-registries.iam.gserviceaccount.com" }
  }
  override_resource {
    target = google_service_account.projects
    values = { member = "serviceAccount:acme-projects@acme-registries.iam.gserviceaccount.com" }
  }
  override_resource {
    target = google_service_account.pull
    values = { email = "acme-pull@acme-registries.iam.gserviceaccount.com" }
  }
  override_resource {
    target = google_service_account.push
    values = { email = "acme-push@acme-registries.iam.gserviceaccount.com" }
  }
  override_resource {
    target = google_monitoring_notification_channel.operators
    values = { name = "projects/acme-functions/notificationChannels/1" }
  }

  assert {
    condition     = output.registry.minting_accounts.builds == { pull = "acme-pull@acme-registries.iam.gserviceaccount.com", push = "acme-push@acme-registries.iam.gserviceaccount.com" }
    error_message = "Accounts that are made beside the module mint."
  }
}
