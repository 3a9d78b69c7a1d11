# The functions' logs, the audit log among them, in a bucket that keeps them as long as is said here. Google's own default
# bucket has them too, for as long as the project says.
resource "google_logging_project_bucket_config" "logs" {
  project        = var.project_id
  location       = var.region
  bucket_id      = "${var.prefix}-logs"
  description    = "Logs of the functions of the artifact registry ${var.prefix}."
  retention_days = var.log_retention_days

  dynamic "cmek_settings" {
    for_each = var.encryption[*]
    content {
      kms_key_name = local.kms_key
    }
  }

  depends_on = [google_project_service.needed, time_sleep.key]
}

resource "google_logging_project_sink" "logs" {
  project                = var.project_id
  name                   = "${var.prefix}-logs"
  description            = "Logs of the functions of the artifact registry ${var.prefix}."
  destination            = "logging.googleapis.com/projects/${var.project_id}/locations/${var.region}/buckets/${google_logging_project_bucket_config.logs.bucket_id}"
  filter                 = "resource.type = \"cloud_run_revision\" AND resource.labels.location = \"${var.region}\" AND resource.labels.service_name = (${join(" OR ", [for door in keys(var.doors) : "\"${var.prefix}-${door}\""])})"
  unique_writer_identity = true
}
