# One registry with replicas in a second region. A pipeline creates repositories and pushes by direct invoke, projects announce
# themselves on the event bus, and workers in other clouds fetch pull credentials with their own tokens.
terraform {
  required_version = ">= 1.9.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.29.0, < 7.0.0"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "pipeline_role" {
  description = "Name of the role that the deploy pipeline runs under, in this account."
  type        = string
  default     = "deploy-pipeline"
}

module "artifact_registry" {
  source = "../.."

  prefix       = "acme"
  package_path = "${path.root}/../../../../dist/aws"

  doors = {
    invoke    = {}
    events    = { reserved_concurrency = 10 }
    oidc      = { reserved_concurrency = 20 }
    provision = {}
  }

  registries = {
    images = {
      replication_regions = ["eu-west-1"]
      repository_defaults = { image_tag_mutability = "IMMUTABLE", scan_on_push = true, keep_last = 100 }
    }
  }

  callers = {
    invoke    = { pipeline = var.pipeline_role }
    provision = { pipeline = var.pipeline_role }
  }

  oidc_issuers = [{ issuer = "https://container.googleapis.com/v1/projects/acme-workers/locations/europe-west1/clusters/one", audience = "acme-registry" }]

  access_rules = [
    {
      callers      = [{ issuer = "door", subject = "invoke" }]
      operations   = ["*"]
      registries   = ["images"]
      repositories = ["*"]
      permissions  = ["pull", "push-pull"]
      grantees     = ["aws:222233334444"]
    },
    {
      callers      = [{ issuer = "door", subject = "events" }]
      operations   = ["setupRepository"]
      registries   = ["images"]
      repositories = ["*"]
      grantees     = ["aws:222233334444"]
    },
    {
      callers      = [{ issuer = "door", subject = "provision" }]
      operations   = ["provisionRegistry", "describeRegistry"]
      registries   = ["images"]
      repositories = ["*"]
    },
    {
      callers      = [{ issuer = "https://container.googleapis.com/v1/projects/acme-workers/locations/europe-west1/clusters/one", subject = "system:serviceaccount:workers:puller" }]
      operations   = ["generateCredentials"]
      registries   = ["images"]
      repositories = ["acme-images-*"]
      permissions  = ["pull"]
    },
  ]

  tags = { project = "acme" }
}

output "functions" {
  value = module.artifact_registry.functions
}

output "dead_letter_queue" {
  value = module.artifact_registry.dead_letter_queue
}
