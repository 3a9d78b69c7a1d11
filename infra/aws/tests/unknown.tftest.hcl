mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "archive" {}

mock_provider "random" {}

run "planned" {
  command = plan

  module {
    source = "./tests/same-configuration"
  }

  assert {
    condition     = keys(output.registry.functions) == ["events", "invoke", "oidc", "platform", "provision"] && keys(output.registry.caller_policy_arns) == ["invoke", "platform", "provision"]
    error_message = "The plan knows what there will be, before it knows what that is given."
  }
}

run "a_file_planned" {
  command = plan

  variables {
    package = "file"
  }

  module {
    source = "./tests/same-configuration"
  }

  assert {
    condition     = keys(output.registry.functions) == ["events", "invoke", "oidc", "platform", "provision"]
    error_message = "A package from elsewhere need not be there yet."
  }
}

# Last: OpenTofu can neither plan again nor take away what was applied with a mock provider; it leaves an errored_test.tfstate.
run "applied" {
  command = apply

  variables {
    package = "file"
  }

  module {
    source = "./tests/same-configuration"
  }

  override_resource {
    target = aws_kms_key.own
    values = { arn = "arn:aws:kms:us-east-1:111122223333:key/own" }
  }
  override_resource {
    target = aws_kms_key.replica
    values = { arn = "arn:aws:kms:eu-west-1:111122223333:key/own" }
  }
  override_resource {
    target = aws_iam_policy.boundary
    values = { arn = "arn:aws:iam::111122223333:policy/acme-boundary" }
  }
  override_resource {
    target = aws_sns_topic.alarms
    values = { arn = "arn:aws:sns:us-east-1:111122223333:acme-alarms" }
  }

  assert {
    condition     = output.registry.minting_boundary_arn == aws_iam_policy.boundary.arn
    error_message = "The boundary is the one that is made beside the module."
  }
  assert {
    condition = jsondecode(output.registry.bindings.images).repositoryDefaults == {
      kmsKey         = "arn:aws:kms:us-east-1:111122223333:key/own"
      replicaKmsKeys = { eu-west-1 = "arn:aws:kms:eu-west-1:111122223333:key/own" }
    }
    error_message = "Images are encrypted under the keys that are made beside the module."
  }
}
