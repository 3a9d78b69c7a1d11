mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "archive" {}

mock_provider "random" {}

variables {
  prefix       = "acme"
  package_path = "../../dist/aws"
  role_path    = "/"
  registries   = { images = { replication_regions = ["eu-west-1", "ap-south-1"] } }
}

run "bindings" {
  command = plan

  variables {
    registries = {
      images = {
        replication_regions = ["eu-west-1", "us-east-1"]
        repository_defaults = { image_tag_mutability = "IMMUTABLE", keep_last = 3, tags = { team = "images" } }
      }
      my-builds = { repository_prefix = "builds" }
      gallery   = { service = "ecr-public", catalog_data = { about = "Ours.", operating_systems = ["Linux"] } }
    }
    access_rules = [
      {
        callers      = [{ issuer = "door", subject = "invoke" }]
        operations   = ["*"]
        registries   = ["images"]
        repositories = ["*"]
      },
      {
        callers      = [{ issuer = "door", subject = "invoke" }]
        operations   = ["*"]
        registries   = ["images"]
        repositories = ["*"]
        permissions  = ["pull", "push-pull"]
        grantees     = ["*"]
      },
    ]
  }

  assert {
    condition = jsondecode(aws_lambda_function.door["invoke"].environment[0].variables.ALIEN_IMAGES_BINDING) == {
      service            = "ecr"
      repositoryPrefix   = "acme-images"
      pullRoleArn        = "arn:aws:iam::111122223333:role/acme-images-pull"
      pushRoleArn        = "arn:aws:iam::111122223333:role/acme-images-push"
      replicationRegions = ["eu-west-1"]
      leaseTable         = "acme-leases"
      repositoryDefaults = { imageTagMutability = "IMMUTABLE", keepLast = 3, tags = { team = "images" } }
    }
    error_message = "A binding says all that is known, and home is no replica."
  }
  assert {
    condition = jsondecode(aws_lambda_function.door["invoke"].environment[0].variables.ALIEN_MY_BUILDS_BINDING) == {
      service          = "ecr"
      repositoryPrefix = "builds"
      pullRoleArn      = "arn:aws:iam::111122223333:role/builds-pull"
      pushRoleArn      = "arn:aws:iam::111122223333:role/builds-push"
      leaseTable       = "acme-leases"
    }
    error_message = "What is not said is absent, and never null."
  }
  assert {
    condition = jsondecode(output.bindings.gallery) == {
      service          = "ecr-public"
      repositoryPrefix = "acme-gallery"
      pullRoleArn      = "arn:aws:iam::111122223333:role/acme-gallery-pull"
      pushRoleArn      = "arn:aws:iam::111122223333:role/acme-gallery-push"
      catalogData      = { about = "Ours.", operatingSystems = ["Linux"] }
    }
    error_message = "A public registry has its catalog data, and no leases."
  }
  assert {
    condition     = aws_lambda_function.door["invoke"].environment[0].variables.ALIEN_REGISTRIES == "gallery,images,my-builds"
    error_message = "Names are told."
  }
  assert {
    condition     = [for rule in jsondecode(aws_lambda_function.door["invoke"].environment[0].variables.ALIEN_ACCESS_RULES) : keys(rule)] == [["callers", "operations", "registries", "repositories"], ["callers", "grantees", "operations", "permissions", "registries", "repositories"]]
    error_message = "A rule has every field that it was given, and no other."
  }
  assert {
    condition     = jsondecode(aws_lambda_function.door["invoke"].environment[0].variables.ALIEN_ACCESS_RULES)[1].permissions == ["pull", "push-pull"]
    error_message = "A rule says who may push."
  }
}

run "settings_of_repositories" {
  command = plan

  variables {
    doors        = { invoke = {} }
    access_rules = [{ callers = [{ issuer = "door", subject = "invoke" }], operations = ["*"], registries = ["*"], repositories = ["*"] }]
    registries = {
      images = {
        replication_regions = ["eu-west-1", "us-west-2"]
        repository_defaults = {
          image_tag_mutability            = "IMMUTABLE_WITH_EXCLUSION"
          image_tag_mutability_exclusions = ["latest*", "dev"]
          encryption_type                 = "KMS_DSSE"
          kms_key                         = { arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-1", replica_arns = { eu-west-1 = "arn:aws:kms:eu-west-1:111122223333:key/own" } }
        }
      }
      # A key of one region, and the one that AWS keeps.
      single  = { replication_regions = ["eu-west-1"], repository_defaults = { kms_key = { arn = "arn:aws:kms:us-east-1:111122223333:key/single" } } }
      managed = { repository_defaults = { encryption_type = "KMS" } }
    }
  }

  assert {
    condition = jsondecode(output.bindings.images).repositoryDefaults == {
      imageTagMutability           = "IMMUTABLE_WITH_EXCLUSION"
      imageTagMutabilityExclusions = ["latest*", "dev"]
      encryptionType               = "KMS_DSSE"
      kmsKey                       = "arn:aws:kms:us-east-1:111122223333:key/mrk-1"
      replicaKmsKeys               = { eu-west-1 = "arn:aws:kms:eu-west-1:111122223333:key/own" }
    }
    error_message = "A binding has the settings as the functions call them."
  }
  assert {
    condition = (
      toset([for each in aws_ecr_repository.own["images"].image_tag_mutability_exclusion_filter : "${each.filter_type} ${each.filter}"]) == toset(["WILDCARD latest*", "WILDCARD dev"])
      && aws_ecr_repository.own["images"].image_tag_mutability == "IMMUTABLE_WITH_EXCLUSION"
      && aws_ecr_repository.own["images"].encryption_configuration[0].encryption_type == "KMS_DSSE"
      && aws_ecr_repository.own["single"].encryption_configuration[0].encryption_type == "KMS"
      && aws_ecr_repository.own["managed"].encryption_configuration[0].encryption_type == "KMS"
    )
    error_message = "The repository under the bare prefix has them too."
  }
  assert {
    condition = alltrue([for concern in ["encryption", "encryption-release"] :
      toset(jsondecode(aws_iam_role_policy.function["invoke/${concern}"].policy).Statement[0].Resource) == toset([
        "arn:aws:kms:us-east-1:111122223333:key/mrk-1", "arn:aws:kms:us-west-2:111122223333:key/mrk-1", "arn:aws:kms:eu-west-1:111122223333:key/own",
        "arn:aws:kms:us-east-1:111122223333:key/single",
      ])
    ])
    error_message = "The rights for keys are for those of each region, and a key of one region is in no other."
  }
}

run "names_of_roles" {
  command = plan

  variables {
    registries = {
      images = { repository_prefix = "team/images" }
      long   = { repository_prefix = "a-prefix-that-is-much-too-long-for-the-name-of-a-role-in-iam" }
    }
  }

  assert {
    condition = output.minting_role_arns == {
      images = {
        pull = "arn:aws:iam::111122223333:role/team-images-pull-${substr(sha256("team/images"), 0, 20)}-pull"
        push = "arn:aws:iam::111122223333:role/team-images-push-${substr(sha256("team/images"), 0, 20)}-push"
      }
      long = {
        pull = "arn:aws:iam::111122223333:role/a-prefix-that-is-much-too-long-for-the-${substr(sha256("a-prefix-that-is-much-too-long-for-the-name-of-a-role-in-iam"), 0, 20)}-pull"
        push = "arn:aws:iam::111122223333:role/a-prefix-that-is-much-too-long-for-the-${substr(sha256("a-prefix-that-is-much-too-long-for-the-name-of-a-role-in-iam"), 0, 20)}-push"
      }
    }
    error_message = "A prefix that is no name of a role is shortened and carries a hash."
  }
}

run "lease_table" {
  command = plan

  assert {
    condition = (
      aws_dynamodb_table.leases[0].name == "acme-leases" && aws_dynamodb_table.leases[0].hash_key == "repository"
      && one(aws_dynamodb_table.leases[0].attribute[*]).type == "S"
      && aws_dynamodb_table.leases[0].ttl[0].attribute_name == "expiresAt" && aws_dynamodb_table.leases[0].ttl[0].enabled
      && aws_dynamodb_table.leases[0].billing_mode == "PAY_PER_REQUEST" && aws_dynamodb_table.leases[0].point_in_time_recovery[0].enabled
    )
    error_message = "The table is the one that the leases need."
  }
}

run "derived" {
  command = plan

  variables {
    registries         = {}
    doors              = { invoke = {}, events = {}, provision = {} }
    access_rules       = [{ callers = [{ issuer = "door", subject = "invoke" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = ["pull", "push-pull"] }]
    derived_registries = { replication_regions = ["eu-west-1"] }
  }

  assert {
    condition = (
      aws_lambda_function.door["invoke"].environment[0].variables.ALIEN_STACK_PREFIX == "acme"
      && aws_lambda_function.door["invoke"].environment[0].variables.ALIEN_LEASE_TABLE == "acme-leases"
      && !can(aws_lambda_function.door["invoke"].environment[0].variables.ALIEN_REGISTRIES)
    )
    error_message = "The functions find registries by the stack's prefix."
  }
  assert {
    condition = (
      jsondecode(aws_iam_role_policy.function["invoke/grants"].policy).Statement[0].Resource == ["arn:aws:ecr:*:111122223333:repository/acme-*"]
      && jsondecode(aws_iam_role_policy.function["invoke/grants"].policy).Statement[0].Condition == { StringEquals = { "aws:RequestedRegion" = ["eu-west-1", "us-east-1"] } }
    )
    error_message = "They reach what begins with the prefix, in the regions that are named."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.function["invoke/sessions"].policy).Statement[0].Resource == [for kind in ["pull", "push"] : "arn:aws:iam::111122223333:role/acme-*-${kind}"]
    error_message = "They assume pull and push roles, and no execution role."
  }
}
