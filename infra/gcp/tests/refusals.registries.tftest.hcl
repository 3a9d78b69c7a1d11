mock_provider "google" {
  source = "./tests/mocks/google"
}

mock_provider "archive" {
  source = "./tests/mocks/archive"
}

mock_provider "time" {}

mock_provider "random" {}

variables {
  project_id   = "acme-functions"
  region       = "europe-west1"
  prefix       = "acme"
  package_path = "../../dist/gcp"
  oidc_issuers = [{ issuer = "https://token.example", audience = "acme" }]
  registries   = { images = {} }
}

run "no_registry" {
  command = plan

  variables {
    registries = {}
  }

  expect_failures = [var.registries]
}

run "a_name_with_a_dot" {
  command = plan

  variables {
    registries = { "my.images" = { repository_id = "images" } }
  }

  expect_failures = [var.registries]
}

run "names_that_share_a_variable" {
  command = plan

  variables {
    registries = { my-images = {}, my_images = { repository_id = "other" } }
  }

  expect_failures = [var.registries]
}

run "a_project_of_a_registry_by_number" {
  command = plan

  variables {
    registries = { images = { project_id = "111122223333" } }
  }

  expect_failures = [var.registries]
}

run "a_location_that_is_none" {
  command = plan

  variables {
    registries = { images = { location = "Europe West" } }
  }

  expect_failures = [var.registries]
}

run "a_repository_in_capitals" {
  command = plan

  variables {
    registries = { Images = {} }
  }

  expect_failures = [var.registries]
}

run "a_repository_by_its_whole_name" {
  command = plan

  variables {
    registries = { images = { repository_id = "projects/acme-functions/locations/europe/repositories/images" } }
  }

  expect_failures = [var.registries]
}

run "gcr_io_in_another_location" {
  command = plan

  variables {
    registries = { images = {
      repository_id        = "eu.gcr.io"
      location             = "us"
      pull_service_account = { email = "reader@acme-shared.iam.gserviceaccount.com", project_id = "acme-shared" }
      push_service_account = { email = "writer@acme-shared.iam.gserviceaccount.com", project_id = "acme-shared" }
    } }
  }

  expect_failures = [var.registries]
}

run "gcr_io_without_accounts" {
  command = plan

  variables {
    registries = { images = { repository_id = "gcr.io", location = "us" } }
  }

  expect_failures = [var.registries]
}

run "another_host" {
  command = plan

  variables {
    registries = { images = {
      repository_id        = "mirror.gcr.io"
      location             = "us"
      pull_service_account = { email = "reader@acme-shared.iam.gserviceaccount.com", project_id = "acme-shared" }
      push_service_account = { email = "writer@acme-shared.iam.gserviceaccount.com", project_id = "acme-shared" }
    } }
  }

  expect_failures = [var.registries]
}

run "a_repository_twice" {
  command = plan

  variables {
    registries = { images = {}, builds = { repository_id = "acme-images" } }
  }

  expect_failures = [var.registries]
}

run "one_name_in_two_locations" {
  command = plan

  variables {
    registries = { images = {}, builds = { repository_id = "acme-images", location = "us" } }
  }

  expect_failures = [var.registries]
}

run "the_functions_own_repository" {
  command = plan

  variables {
    registries = { functions = {} }
  }

  expect_failures = [var.registries]
}

run "an_account_as_it_was_given_before" {
  command = plan

  variables {
    registries = { images = { pull_service_account_email = "one@acme-functions.iam.gserviceaccount.com" } }
  }

  expect_failures = [var.registries]
}

run "an_account_that_is_none" {
  command = plan

  variables {
    registries = { images = { pull_service_account = { email = "me@acme.example" } } }
  }

  expect_failures = [var.registries]
}

run "an_account_of_googles" {
  command = plan

  variables {
    registries = { images = { pull_service_account = { email = "111122223333-compute@developer.gserviceaccount.com" } } }
  }

  expect_failures = [var.registries]
}

run "an_account_of_another_project" {
  command = plan

  variables {
    registries = { images = { pull_service_account = { email = "reader@acme-shared.iam.gserviceaccount.com" } } }
  }

  expect_failures = [var.registries]
}

run "one_account_for_both" {
  command = plan

  variables {
    registries = { images = { pull_service_account = { email = "one@acme-shared.iam.gserviceaccount.com", project_id = "acme-shared" }, push_service_account = { email = "one@acme-shared.iam.gserviceaccount.com", project_id = "acme-shared" } } }
  }

  expect_failures = [var.registries]
}

run "one_account_for_two_registries" {
  command = plan

  variables {
    registries = { images = { pull_service_account = { email = "one@acme-shared.iam.gserviceaccount.com", project_id = "acme-shared" } }, builds = { pull_service_account = { email = "one@acme-shared.iam.gserviceaccount.com", project_id = "acme-shared" } } }
  }

  expect_failures = [var.registries]
}

run "a_project_of_registries_by_number" {
  command = plan

  variables {
    registry_project_id = "111122223333"
  }

  expect_failures = [var.registry_project_id]
}

run "derived_in_the_functions_project" {
  command = plan

  variables {
    derived_registries = true
  }

  expect_failures = [var.derived_registries]
}

run "derived_in_the_functions_project_said_twice" {
  command = plan

  variables {
    derived_registries  = true
    registry_project_id = "acme-functions"
  }

  expect_failures = [var.derived_registries]
}
