# A key of the operator's (CMEK), and Google's agents that must be able to use it: they encrypt, not the functions' accounts.
locals {
  kms_key = one(var.encryption[*].kms_key_name)

  # https://docs.cloud.google.com/functions/docs/securing/cmek, https://docs.cloud.google.com/pubsub/docs/encryption,
  # https://docs.cloud.google.com/logging/docs/routing/managed-encryption-storage
  kms_agents = var.encryption == null ? {} : merge(
    {
      run     = "serviceAccount:service-${data.google_project.this.number}@serverless-robot-prod.iam.gserviceaccount.com"
      logging = "serviceAccount:${data.google_logging_project_settings.this[0].kms_service_account_id}"
    },
    local.takes_events ? { pubsub = local.pubsub_agent } : {},
    local.builds ? {
      functions = "serviceAccount:service-${data.google_project.this.number}@gcf-admin-robot.iam.gserviceaccount.com"
      registry  = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-artifactregistry.iam.gserviceaccount.com"
      storage   = "serviceAccount:${data.google_storage_project_service_account.this[0].email_address}"
    } : {},
  )
}

data "google_logging_project_settings" "this" {
  count = var.encryption == null ? 0 : 1

  project = var.project_id
}

# Asking for it makes it, where it is not there yet.
data "google_storage_project_service_account" "this" {
  count = var.encryption == null ? 0 : 1

  project = var.project_id
}

resource "google_kms_crypto_key_iam_member" "agent" {
  for_each = try(var.encryption.grant_agents, false) ? local.kms_agents : {}

  crypto_key_id = local.kms_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = each.value

  depends_on = [google_project_service.needed]
}

# What is encrypted with the key is made once its agents may use it.
resource "time_sleep" "key" {
  count = try(var.encryption.grant_agents, false) ? 1 : 0

  create_duration = "60s"
  triggers        = { for name, member in google_kms_crypto_key_iam_member.agent : name => member.id }
}
