# How the code becomes a function: an archive in a bucket, built under an account of its own into a repository of its own.
# Who may write either becomes the functions.
data "archive_file" "package" {
  type             = "zip"
  source_dir       = var.package_path
  output_path      = "${path.root}/.terraform/${var.prefix}-gcp.zip"
  output_file_mode = "0644"
  excludes         = ["**/*.map"]
}

resource "google_storage_bucket" "source" {
  project                     = var.project_id
  name                        = "${var.prefix}-source-${data.google_project.this.number}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
  labels                      = var.labels

  depends_on = [google_project_service.needed]
}

resource "google_storage_bucket_object" "package" {
  bucket = google_storage_bucket.source.name
  # Another archive is another object, which makes the functions anew.
  name   = "${data.archive_file.package.output_sha256}.zip"
  source = data.archive_file.package.output_path
}

resource "google_artifact_registry_repository" "functions" {
  project       = var.project_id
  location      = var.region
  repository_id = "${var.prefix}-functions"
  description   = "Images of the functions of the artifact registry ${var.prefix}."
  format        = "DOCKER"
  labels        = var.labels

  depends_on = [google_project_service.needed]
}

resource "google_service_account" "build" {
  project      = var.project_id
  account_id   = "${var.prefix}-build"
  display_name = "Artifact registry ${var.prefix}: builds the functions"

  depends_on = [google_project_service.needed]
}

resource "google_artifact_registry_repository_iam_member" "build" {
  project    = var.project_id
  location   = var.region
  repository = google_artifact_registry_repository.functions.repository_id
  role       = "roles/artifactregistry.writer"
  member     = "serviceAccount:${local.build_email}"

  depends_on = [google_service_account.build]
}

resource "google_project_iam_member" "build_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = "serviceAccount:${local.build_email}"

  depends_on = [google_service_account.build]
}

# Cloud Functions copies the archive into a bucket of its own, which is there from the first function on.
resource "google_project_iam_member" "build_source" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = "serviceAccount:${local.build_email}"

  condition {
    title      = "sources_of_functions"
    expression = "resource.name.startsWith('projects/_/buckets/gcf-v2-sources-${data.google_project.this.number}-${var.region}') || resource.name.startsWith('projects/_/buckets/${var.prefix}-source-${data.google_project.this.number}')"
  }

  depends_on = [google_service_account.build]
}
