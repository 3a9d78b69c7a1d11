# How the code becomes a function: an archive in a bucket, built under an account of its own into a repository of its own.
# Who may write either becomes the functions. With an image there is nothing to build.
locals {
  builds  = var.image == null
  uploads = local.builds && var.package_object == null

  source_bucket  = "${var.prefix}-source-${data.google_project.this.number}"
  archive_path   = one(concat(data.archive_file.package[*].output_path, var.package_zip[*].path))
  archive_sha256 = one(concat(data.archive_file.package[*].output_sha256, [for package in var.package_zip[*] : filesha256(package.path)]))
  package = {
    bucket = one(concat(google_storage_bucket.source[*].name, var.package_object[*].bucket))
    name   = one(concat(google_storage_bucket_object.package[*].name, var.package_object[*].name))
  }
}

data "archive_file" "package" {
  # Not by its own path, which need not be known yet.
  count = local.uploads && var.package_zip == null ? 1 : 0

  type             = "zip"
  source_dir       = var.package_path
  output_path      = "${path.root}/.terraform/${var.prefix}-gcp.zip"
  output_file_mode = "0644"
  excludes         = ["**/*.map"]
}

resource "google_storage_bucket" "source" {
  count = local.uploads ? 1 : 0

  project                     = var.project_id
  name                        = local.source_bucket
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
  labels                      = var.labels

  dynamic "encryption" {
    for_each = var.encryption[*]
    content {
      default_kms_key_name = local.kms_key
    }
  }

  depends_on = [google_project_service.needed, time_sleep.key]
}

resource "google_storage_bucket_object" "package" {
  count = local.uploads ? 1 : 0

  bucket = google_storage_bucket.source[0].name
  # Another archive is another object, which makes the functions anew.
  name   = "${local.archive_sha256}.zip"
  source = local.archive_path
}

resource "google_artifact_registry_repository" "functions" {
  count = local.builds ? 1 : 0

  project       = var.project_id
  location      = var.region
  repository_id = "${var.prefix}-functions"
  description   = "Images of the functions of the artifact registry ${var.prefix}."
  format        = "DOCKER"
  kms_key_name  = local.kms_key
  labels        = var.labels

  depends_on = [google_project_service.needed, time_sleep.key]
}

resource "google_service_account" "build" {
  count = local.builds ? 1 : 0

  project      = var.project_id
  account_id   = "${var.prefix}-build"
  display_name = "Artifact registry ${var.prefix}: builds the functions"

  depends_on = [google_project_service.needed]
}

resource "google_artifact_registry_repository_iam_member" "build" {
  count = local.builds ? 1 : 0

  project    = var.project_id
  location   = var.region
  repository = google_artifact_registry_repository.functions[0].repository_id
  role       = "roles/artifactregistry.writer"
  member     = "serviceAccount:${local.build_email}"

  depends_on = [google_service_account.build]
}

resource "google_project_iam_member" "build_logs" {
  count = local.builds ? 1 : 0

  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = "serviceAccount:${local.build_email}"

  depends_on = [google_service_account.build]
}

# Cloud Functions copies the archive into a bucket of its own, which is there from the first function on.
resource "google_project_iam_member" "build_source" {
  count = local.builds ? 1 : 0

  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = "serviceAccount:${local.build_email}"

  condition {
    title      = "sources_of_functions"
    expression = "resource.name.startsWith('projects/_/buckets/gcf-v2-sources-${data.google_project.this.number}-${var.region}') || resource.name.startsWith('projects/_/buckets/${local.source_bucket}')"
  }

  depends_on = [google_service_account.build]
}

resource "google_storage_bucket_iam_member" "build" {
  count = var.package_object == null ? 0 : 1

  bucket = var.package_object.bucket
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.build_email}"

  depends_on = [google_service_account.build]
}

# A build fails whose account got its roles a moment ago. Google's own sample of a function with a build account waits as long:
# https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/cloudfunctions2_function
resource "time_sleep" "build" {
  count = local.builds ? 1 : 0

  create_duration = "60s"
  # Another account, or other roles, are waited for again.
  triggers = {
    account = google_service_account.build[0].unique_id
    roles = join(",", sort(concat(
      google_artifact_registry_repository_iam_member.build[*].id,
      google_project_iam_member.build_logs[*].id,
      google_project_iam_member.build_source[*].id,
      google_storage_bucket_iam_member.build[*].id,
    )))
  }
}
