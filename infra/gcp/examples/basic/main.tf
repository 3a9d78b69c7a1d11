# One registry. A pipeline creates repositories and pushes over the platform door, projects announce themselves on the
# topic, and workers in other clouds fetch pull credentials with their own tokens.
terraform {
  required_version = ">= 1.9.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50.0, < 8.0.0"
    }
  }
}

variable "project_id" {
  description = "The project of the functions."
  type        = string
  default     = "acme-functions"
}

variable "registry_project_id" {
  description = "The project of the registries, in which nothing else is."
  type        = string
  default     = "acme-registries"
}

variable "pipeline_account" {
  description = "E-mail address of the service account that the deploy pipeline runs as."
  type        = string
  default     = "deploy@acme-ci.iam.gserviceaccount.com"
}

variable "projects_account" {
  description = "E-mail address of the service account that announces projects."
  type        = string
  default     = "projects@acme-projects.iam.gserviceaccount.com"
}

provider "google" {
  project = var.project_id
  region  = "europe-west1"
}

# The images: this outlives the functions, and so does its policy with the grants to consumers.
resource "google_artifact_registry_repository" "images" {
  project       = var.registry_project_id
  location      = "europe-west1"
  repository_id = "acme-images"
  format        = "DOCKER"
  # By this provisioning knows it as a registry's, that no other may overlap with.
  labels = { alien-artifact-registry = "acme-images" }

  # It makes `destroy` of the whole refuse: "Taking it away" in the module's README.
  lifecycle {
    prevent_destroy = true
  }
}

module "artifact_registry" {
  source = "../.."

  project_id          = var.project_id
  registry_project_id = var.registry_project_id
  region              = "europe-west1"
  prefix              = "acme"
  package_path        = "${path.root}/../../../../dist/gcp"

  doors = {
    platform  = {}
    events    = {}
    oidc      = { max_instances = 20 }
    provision = { max_instances = 1 }
  }

  registries         = { images = { repository_id = google_artifact_registry_repository.images.repository_id } }
  derived_registries = true

  callers = {
    platform  = ["serviceAccount:${var.pipeline_account}"]
    provision = ["serviceAccount:${var.pipeline_account}"]
  }
  setup_event_publishers = { projects = "serviceAccount:${var.projects_account}" }

  oidc_issuers = [{ issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/ACME", audience = "acme-registry" }]

  access_rules = [
    {
      callers      = [{ issuer = "gcp", subject = var.pipeline_account }]
      operations   = ["*"]
      registries   = ["*"]
      repositories = ["*"]
      permissions  = ["pull", "push-pull"]
      grantees     = ["gcp:444455556666"]
    },
    {
      callers      = [{ issuer = "door", subject = "events" }]
      operations   = ["setupRepository"]
      registries   = ["images"]
      repositories = ["*"]
      grantees     = ["gcp:444455556666"]
    },
    {
      callers      = [{ issuer = "door", subject = "provision" }]
      operations   = ["provisionRegistry", "describeRegistry"]
      registries   = ["*"]
      repositories = ["*"]
    },
    {
      # A token for pulls opens the whole registry: so must the rule.
      callers      = [{ issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/ACME", subject = "system:serviceaccount:workers:puller" }]
      operations   = ["generateCredentials"]
      registries   = ["images"]
      repositories = ["*"]
      permissions  = ["pull"]
    },
  ]

  labels = { project = "acme" }
}

output "functions" {
  value = module.artifact_registry.functions
}

output "setup_topic" {
  value = module.artifact_registry.setup_topic
}

output "dead_letters" {
  value = module.artifact_registry.dead_letters
}
