# A configuration that makes what it gives to the module. When the first plan is made, none of it is known but that it is there.
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
    archive = {
      source = "hashicorp/archive"
    }
    random = {
      source = "hashicorp/random"
    }
  }
}

variable "package" {
  description = "How the functions' code is given: folder or file."
  type        = string
  default     = "folder"
}

resource "aws_kms_key" "own" {
  for_each = toset(["logs", "queues", "leases", "images"])

  description = "Encrypts the ${each.key} of the artifact registry."
}

resource "aws_kms_key" "replica" {
  region      = "eu-west-1"
  description = "Encrypts the replicas of the artifact registry's images."
}

resource "aws_iam_policy" "boundary" {
  name   = "acme-boundary"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }] })
}

resource "aws_iam_role" "pipeline" {
  name_prefix        = "pipeline-"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "codebuild.amazonaws.com" } }] })
}

resource "aws_vpc" "functions" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_subnet" "functions" {
  count = 2

  vpc_id     = aws_vpc.functions.id
  cidr_block = cidrsubnet(aws_vpc.functions.cidr_block, 8, count.index)
}

resource "aws_security_group" "functions" {
  name   = "acme-functions"
  vpc_id = aws_vpc.functions.id
}

resource "aws_cloudwatch_event_bus" "projects" {
  name = "acme-projects"
}

resource "aws_sns_topic" "alarms" {
  name = "acme-alarms"
}

# A build of the package, which says where it is once it is done.
resource "terraform_data" "package" {
  input = { folder = "../../dist/aws", file = "tests/package.zip" }
}

module "artifact_registry" {
  source = "../.."

  prefix       = "acme"
  package_path = var.package == "folder" ? terraform_data.package.output.folder : null
  package_file = var.package == "file" ? { path = terraform_data.package.output.file } : null
  doors        = { platform = {}, oidc = {}, invoke = {}, events = {}, provision = {} }

  registries = { images = {
    replication_regions = ["eu-west-1"]
    repository_defaults = { kms_key = { arn = aws_kms_key.own["images"].arn, replica_arns = { eu-west-1 = aws_kms_key.replica.arn } } }
  } }

  permissions_boundary = aws_iam_policy.boundary
  kms_keys             = { for name in ["logs", "queues", "leases"] : name => aws_kms_key.own[name] }
  network              = { subnet_ids = aws_subnet.functions[*].id, security_group_ids = [aws_security_group.functions.id] }
  setup_event_bus      = aws_cloudwatch_event_bus.projects.name
  setup_event_sources  = [aws_vpc.functions.id]
  alarm_topic_arn      = aws_sns_topic.alarms.arn
  callers              = { invoke = { pipeline = aws_iam_role.pipeline.name } }
  environment          = { ALARMS = aws_sns_topic.alarms.arn }
  tags                 = { network = aws_vpc.functions.id }

  oidc_issuers = [{ issuer = "https://token.example", audience = aws_vpc.functions.id }]
  access_rules = [{
    callers      = [{ issuer = "door", subject = aws_iam_role.pipeline.unique_id }, { issuer = "https://token.example", subject = aws_vpc.functions.id }]
    operations   = ["*"]
    registries   = ["*"]
    repositories = [aws_vpc.functions.id]
    grantees     = ["aws:${aws_vpc.functions.owner_id}", aws_vpc.functions.owner_id]
    consumer     = aws_vpc.functions.id
  }]
}

output "registry" {
  value = module.artifact_registry
}
