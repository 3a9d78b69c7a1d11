mock_data "google_project" {
  defaults = { number = "111122223333" }
}

mock_data "google_cloud_run_v2_service" {
  defaults = { uri = "https://door.example" }
}

mock_data "google_logging_project_settings" {
  defaults = { kms_service_account_id = "cmek-p111122223333@gcp-sa-logging.iam.gserviceaccount.com" }
}

mock_data "google_storage_project_service_account" {
  defaults = { email_address = "service-111122223333@gs-project-accounts.iam.gserviceaccount.com" }
}

# Ids as Google writes them: the real provider refuses a text that is none where one resource is given the id of another.
mock_resource "google_service_account" {
  defaults = { name = "projects/acme-functions/serviceAccounts/acme-trigger@acme-functions.iam.gserviceaccount.com", unique_id = "100000000000000000001" }
}

mock_resource "google_cloudfunctions2_function" {
  defaults = { id = "projects/acme-functions/locations/europe-west1/functions/acme-door" }
}

mock_resource "google_cloud_run_v2_service" {
  defaults = { uri = "https://door.example" }
}

mock_resource "google_pubsub_topic" {
  defaults = { id = "projects/acme-functions/topics/acme-topic" }
}

mock_resource "google_tags_tag_key" {
  defaults = { id = "tagKeys/281400000000001" }
}

mock_resource "google_tags_tag_value" {
  defaults = { id = "tagValues/281400000000002" }
}

mock_resource "google_kms_key_ring" {
  defaults = { id = "projects/acme-functions/locations/europe-west1/keyRings/acme" }
}

mock_resource "google_kms_crypto_key" {
  defaults = { id = "projects/acme-functions/locations/europe-west1/keyRings/acme/cryptoKeys/acme" }
}

mock_resource "google_project" {
  defaults = { number = "111122223333" }
}
