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
    condition     = jsondecode(aws_iam_role_policy.function["invoke/grants"].policy).Statement[0].Resource == [for region in ["us-east-1", "eu-west-1"] : "arn:aws:ecr:${region}:111122223333:repository/acme-*"]
    error_message = "They reach what begins with the prefix, in the regions that are named."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.function["invoke/sessions"].policy).Statement[0].Resource == [for kind in ["pull", "push"] : "arn:aws:iam::111122223333:role/acme-*-${kind}"]
    error_message = "They assume pull and push roles, and no execution role."
  }
}
