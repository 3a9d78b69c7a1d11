# A configuration that makes what it gives to the module. When the first plan is made, none of it is known but that it is there. Project ids
# are known: by them the module tells which registries share a project, and so how many roles there are.
terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
    archive = {
      source = "hashicorp/archive"
    }
    time = {
      source = "hashicorp/time"
    }
    random = {
      source = "hashicorp/random"
    }
  }
}

variable "package" {
  description = "How the functions' code is given: folder, zip, object or image."
  type        = string
  default     = "folder"
}

resource "google_project" "registries" {
  name       = "Registries"
  project_id = "acme-registries"
}

resource "google_service_account" "pipeline" {
  project    = google_project.registries.project_id
  account_id = "acme-pipeline"
}

resource "google_service_account" "projects" {
  project    = google_project.registries.project_id
  account_id = "acme-projects"
}

resource "google_service_account" "pull" {
  project    = google_project.registries.project_id
  account_id = "acme-pull"
}

resource "google_service_account" "push" {
  project    = google_project.registries.project_id
  account_id = "acme-push"
}

resource "google_kms_key_ring" "own" {
  name     = "acme"
  location = "europe-west1"
}

resource "google_kms_crypto_key" "own" {
  name     = "acme"
  key_ring = google_kms_key_ring.own.id
}

resource "google_artifact_registry_repository" "images" {
  project       = google_project.registries.project_id
  location      = "europe-west1"
  repository_id = "acme-images"
  format        = "DOCKER"
}

resource "google_monitoring_notification_channel" "operators" {
  type = "email"
}

# A build of the package, which says where it is once it is done.
resource "terraform_data" "package" {
  input = {
    folder = "../../dist/gcp"
    zip    = "versions.tf"
    bucket = "acme-packages"
    image  = "europe-west1-docker.pkg.dev/acme-images/functions/gcp@sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"
  }
}

module "artifact_registry" {
  source = "../.."

  project_id          = "acme-functions"
  registry_project_id = google_project.registries.project_id
  region              = "europe-west1"
  prefix              = "acme"
  doors               = { platform = {}, oidc = {}, invoke = {}, events = {}, provision = {} }

  package_path   = var.package == "folder" ? terraform_data.package.output.folder : null
  package_zip    = var.package == "zip" ? { path = terraform_data.package.output.zip } : null
  package_object = var.package == "object" ? { bucket = terraform_data.package.output.bucket, name = terraform_data.package.output.zip } : null
  image          = var.package == "image" ? { name = terraform_data.package.output.image } : null

  registries = {
    images = { location = google_artifact_registry_repository.images.location, repository_id = google_artifact_registry_repository.images.repository_id }
    builds = { pull_service_account = google_service_account.pull, push_service_account = { email = google_service_account.push.email } }
  }
  derived_registries = true

  encryption             = { kms_key_name = google_kms_crypto_key.own.id }
  notification_channels  = [google_monitoring_notification_channel.operators.name]
  callers                = { invoke = [google_service_account.pipeline.member] }
  setup_event_publishers = { projects = google_service_account.projects.member }
  platform_audiences     = [google_project.registries.number]
  labels                 = { number = google_project.registries.number }

  oidc_issuers = [{ issuer = "https://token.example", audience = google_project.registries.number }]
  access_rules = [{
    callers      = [{ issuer = "door", subject = google_service_account.pipeline.unique_id }, { issuer = "https://token.example", subject = google_project.registries.number }]
    operations   = ["*"]
    registries   = ["*"]
    repositories = [google_project.registries.number]
    grantees     = ["gcp:${google_project.registries.number}", google_project.registries.number]
    consumer     = google_project.registries.number
  }]
}

output "registry" {
  value = module.artifact_registry
}
