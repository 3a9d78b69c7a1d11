mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "archive" {}

mock_provider "random" {}

variables {
  prefix       = "acme"
  package_path = "../../dist/aws"
  registries   = { images = {} }
}

run "no_registry" {
  command = plan

  variables {
    registries = {}
  }

  expect_failures = [var.registries]
}

run "a_registry_without_a_name" {
  command = plan

  variables {
    registries = { "my images" = { repository_prefix = "images" } }
  }

  expect_failures = [var.registries]
}

run "registries_that_share_a_variable" {
  command = plan

  variables {
    registries = { my-images = { repository_prefix = "one" }, my_images = { repository_prefix = "two" } }
  }

  expect_failures = [var.registries]
}

run "prefixes_that_extend_each_other" {
  command = plan

  variables {
    registries = { images = {}, images-dev = {} }
  }

  expect_failures = [var.registries]
}

run "prefixes_that_are_nested" {
  command = plan

  variables {
    registries = { images = { repository_prefix = "team" }, dev = { repository_prefix = "team/dev" } }
  }

  expect_failures = [var.registries]
}

run "the_same_prefix_twice" {
  command = plan

  variables {
    registries = { images = {}, other = { repository_prefix = "acme-images" } }
  }

  expect_failures = [var.registries]
}

run "a_name_that_is_no_prefix" {
  command = plan

  variables {
    registries = { Images = {} }
  }

  expect_failures = [var.registries]
}

run "a_public_prefix_in_private_grammar" {
  command = plan

  variables {
    registries = { images = { service = "ecr-public", repository_prefix = "a--b" } }
  }

  expect_failures = [var.registries]
}

run "a_service_that_is_none" {
  command = plan

  variables {
    registries = { images = { service = "gar" } }
  }

  expect_failures = [var.registries]
}

run "a_region_that_is_none" {
  command = plan

  variables {
    registries = { images = { replication_regions = ["*"] } }
  }

  expect_failures = [var.registries]
}

run "replicas_of_a_public_registry" {
  command = plan

  variables {
    registries = { images = { service = "ecr-public", replication_regions = ["eu-west-1"] } }
  }

  expect_failures = [var.registries]
}

run "a_mutability_that_is_none" {
  command = plan

  variables {
    registries = { images = { repository_defaults = { image_tag_mutability = "SOMETIMES" } } }
  }

  expect_failures = [var.registries]
}

run "a_key_as_it_was_given_before" {
  command = plan

  variables {
    registries = { images = { repository_defaults = { kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/one" } } }
  }

  expect_failures = [var.registries]
}

run "the_alias_of_a_key" {
  command = plan

  variables {
    registries = { images = { repository_defaults = { kms_key = { arn = "alias/images" } } } }
  }

  expect_failures = [var.registries]
}

run "exclusions_without_their_mutability" {
  command = plan

  variables {
    registries = { images = { repository_defaults = { image_tag_mutability = "IMMUTABLE", image_tag_mutability_exclusions = ["latest"] } } }
  }

  expect_failures = [var.registries]
}

run "a_mutability_without_its_exclusions" {
  command = plan

  variables {
    registries = { images = { repository_defaults = { image_tag_mutability = "MUTABLE_WITH_EXCLUSION" } } }
  }

  expect_failures = [var.registries]
}

run "six_exclusions" {
  command = plan

  variables {
    registries = { images = { repository_defaults = { image_tag_mutability = "MUTABLE_WITH_EXCLUSION", image_tag_mutability_exclusions = ["a", "b", "c", "d", "e", "f"] } } }
  }

  expect_failures = [var.registries]
}

run "an_exclusion_that_is_no_tag" {
  command = plan

  variables {
    registries = { images = { repository_defaults = { image_tag_mutability = "MUTABLE_WITH_EXCLUSION", image_tag_mutability_exclusions = ["a b"] } } }
  }

  expect_failures = [var.registries]
}

run "an_encryption_that_is_none" {
  command = plan

  variables {
    registries = { images = { repository_defaults = { encryption_type = "AES256" } } }
  }

  expect_failures = [var.registries]
}

run "the_alias_of_a_replica_key" {
  command = plan

  variables {
    registries = { images = { replication_regions = ["eu-west-1"], repository_defaults = { kms_key = { arn = "arn:aws:kms:us-east-1:111122223333:key/one", replica_arns = { eu-west-1 = "alias/images" } } } } }
  }

  expect_failures = [var.registries]
}

run "a_replica_key_of_no_replica" {
  command = plan

  variables {
    registries = { images = { repository_defaults = { kms_key = { arn = "arn:aws:kms:us-east-1:111122223333:key/one", replica_arns = { eu-west-1 = "arn:aws:kms:eu-west-1:111122223333:key/one" } } } } }
  }

  expect_failures = [var.registries]
}

run "a_replica_key_of_another_region" {
  command = plan

  variables {
    registries = { images = { replication_regions = ["eu-west-1"], repository_defaults = { kms_key = { arn = "arn:aws:kms:us-east-1:111122223333:key/one", replica_arns = { eu-west-1 = "arn:aws:kms:us-east-1:111122223333:key/one" } } } } }
  }

  expect_failures = [var.registries]
}
