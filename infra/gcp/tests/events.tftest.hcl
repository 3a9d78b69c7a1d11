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
  package_path = "../../dist/gcp"
  oidc_issuers = [{ issuer = "https://token.example", audience = "acme" }]
  registries   = { images = {} }
}

run "without_events" {
  command = plan

  variables {
    doors = { platform = {} }
  }

  assert {
    condition = (
      length(google_pubsub_topic.topic) + length(google_pubsub_subscription.setup) + length(google_pubsub_subscription.dead_letters) + length(google_service_account.trigger) == 0
      && length(google_pubsub_topic_iam_member.publisher) + length(google_pubsub_subscription_iam_member.agent) + length(google_service_account_iam_member.trigger_tokens) == 0
      && keys(google_monitoring_alert_policy.alert) == ["platform-errors", "platform-throttles"]
      && output.setup_topic == null && output.dead_letters == null
      && !contains(keys(google_project_service.needed), "acme-functions/pubsub")
    )
    error_message = "Without the events door there is nothing of Pub/Sub."
  }
}

# Last: OpenTofu can neither plan again nor take away what was applied with a mock provider; it leaves an errored_test.tfstate.
run "events" {
  command = apply

  variables {
    doors                  = { events = {} }
    setup_event_publishers = { projects = "serviceAccount:projects@acme-projects.iam.gserviceaccount.com" }
  }

  assert {
    condition = (
      google_pubsub_subscription.setup[0].push_config[0].push_endpoint == "https://door.example/projects/acme-functions/topics/acme-setup"
      && google_pubsub_subscription.setup[0].push_config[0].oidc_token[0].audience == "https://door.example"
      && google_pubsub_subscription.setup[0].push_config[0].oidc_token[0].service_account_email == "acme-trigger@acme-functions.iam.gserviceaccount.com"
    )
    error_message = "Events are pushed to the function, under an account of their own."
  }
  assert {
    condition = (
      google_pubsub_subscription.setup[0].dead_letter_policy[0].dead_letter_topic == "projects/acme-functions/topics/acme-dead-letters"
      && google_pubsub_subscription.setup[0].dead_letter_policy[0].max_delivery_attempts == 10
      && google_pubsub_subscription.setup[0].ack_deadline_seconds > google_cloudfunctions2_function.door["events"].service_config[0].timeout_seconds
    )
    error_message = "What fails ten times ends among the dead letters, and nothing is delivered again while it is handled."
  }
  assert {
    condition     = google_pubsub_subscription.setup[0].expiration_policy[0].ttl == "" && google_pubsub_subscription.dead_letters[0].expiration_policy[0].ttl == "" && google_pubsub_subscription.dead_letters[0].message_retention_duration == "1209600s"
    error_message = "No subscription expires, and dead letters are kept for two weeks."
  }
  assert {
    condition = { for key, member in google_pubsub_topic_iam_member.publisher : key => "${member.role} ${member.topic} ${member.member}" } == {
      "dead-letters/agent"    = "roles/pubsub.publisher acme-dead-letters serviceAccount:service-111122223333@gcp-sa-pubsub.iam.gserviceaccount.com"
      "dead-letters/function" = "roles/pubsub.publisher acme-dead-letters serviceAccount:acme-events@acme-functions.iam.gserviceaccount.com"
      "setup/projects"        = "roles/pubsub.publisher acme-setup serviceAccount:projects@acme-projects.iam.gserviceaccount.com"
    }
    error_message = "Set-up events come from those who are named, dead letters from the function and from Pub/Sub."
  }
  assert {
    condition = (
      google_pubsub_subscription_iam_member.agent[0].role == "roles/pubsub.subscriber" && google_pubsub_subscription_iam_member.agent[0].subscription == "acme-setup"
      && google_service_account_iam_member.trigger_tokens[0].role == "roles/iam.serviceAccountOpenIdTokenCreator"
      && google_pubsub_subscription_iam_member.agent[0].member == google_service_account_iam_member.trigger_tokens[0].member
    )
    error_message = "Pub/Sub may move what it cannot deliver, and make the tokens that it delivers with."
  }
  assert {
    condition     = length(google_service_account.minting) == 0 && length(google_service_account_iam_member.function) == 0 && !can(jsondecode(output.bindings.images).pullServiceAccountEmail)
    error_message = "Without a door that mints, there are no accounts to mint for."
  }
  assert {
    condition     = output.setup_topic == "projects/acme-functions/topics/acme-setup" && output.dead_letters.subscription == "projects/acme-functions/subscriptions/acme-dead-letters"
    error_message = "The topics are told."
  }
}
