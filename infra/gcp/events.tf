# Set-up events reach the function by a push subscription of ours. A trigger of Eventarc would make one of its own, which
# knows no dead letters: what is not taken within a day would be gone.
locals {
  takes_events      = contains(keys(var.doors), "events")
  setup_topic       = "projects/${var.project_id}/topics/${var.prefix}-setup"
  dead_letter_topic = "projects/${var.project_id}/topics/${var.prefix}-dead-letters"
  pubsub_agent      = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic" "topic" {
  for_each = local.takes_events ? toset(["setup", "dead-letters"]) : toset([])

  project = var.project_id
  name    = "${var.prefix}-${each.value}"
  labels  = var.labels
  # What is published is encrypted with it, and stays so in the subscriptions.
  kms_key_name = local.kms_key

  depends_on = [google_project_service.needed, time_sleep.key]
}

resource "google_pubsub_subscription" "setup" {
  count = local.takes_events ? 1 : 0

  project = var.project_id
  name    = "${var.prefix}-setup"
  topic   = google_pubsub_topic.topic["setup"].id
  labels  = var.labels
  # Longer than the function ever takes.
  ack_deadline_seconds       = 90
  message_retention_duration = "604800s"

  push_config {
    # By this path the functions framework knows the topic.
    push_endpoint = "${local.services_by_door["events"].uri}/${local.setup_topic}"

    oidc_token {
      service_account_email = local.trigger_email
      audience              = local.services_by_door["events"].uri
    }
  }

  # Ten deliveries take some 40 minutes: events that are older than one hour are not carried out any more.
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = local.dead_letter_topic
    max_delivery_attempts = 10
  }

  # Never, however long nothing happens.
  expiration_policy {
    ttl = ""
  }

  depends_on = [google_pubsub_topic.topic, google_service_account_iam_member.trigger_tokens, google_cloud_run_v2_service_iam_binding.invoker]
}

# Keeps the dead letters until somebody has read them: a topic without a subscription keeps nothing.
resource "google_pubsub_subscription" "dead_letters" {
  count = local.takes_events ? 1 : 0

  project                    = var.project_id
  name                       = "${var.prefix}-dead-letters"
  topic                      = google_pubsub_topic.topic["dead-letters"].id
  labels                     = var.labels
  message_retention_duration = "1209600s"

  expiration_policy {
    ttl = ""
  }
}

# Whom the function knows the subscription by.
resource "google_service_account" "trigger" {
  count = local.takes_events ? 1 : 0

  project      = var.project_id
  account_id   = "${var.prefix}-trigger"
  display_name = "Artifact registry ${var.prefix}: delivers set-up events"

  depends_on = [google_project_service.needed]
}

resource "google_service_account_iam_member" "trigger_tokens" {
  count = local.takes_events ? 1 : 0

  service_account_id = google_service_account.trigger[0].name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.pubsub_agent

  # Pub/Sub's agent is there from the first topic on.
  depends_on = [google_pubsub_topic.topic]
}

# Pub/Sub itself moves what fails too often.
resource "google_pubsub_subscription_iam_member" "agent" {
  count = local.takes_events ? 1 : 0

  project      = var.project_id
  subscription = google_pubsub_subscription.setup[0].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = !local.takes_events ? {} : merge(
    {
      "dead-letters/agent"    = { topic = "dead-letters", member = local.pubsub_agent }
      "dead-letters/function" = { topic = "dead-letters", member = "serviceAccount:${local.function_emails["events"]}" }
    },
    { for key, member in var.setup_event_publishers : "setup/${key}" => { topic = "setup", member = member } },
  )

  project = var.project_id
  topic   = google_pubsub_topic.topic[each.value.topic].name
  role    = "roles/pubsub.publisher"
  member  = each.value.member

  depends_on = [google_service_account.function]
}
