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

run "gcr_io" {
  command = plan

  variables {
    registries = { old = {
      repository_id        = "eu.gcr.io"
      location             = "europe"
      pull_service_account = { email = "reader@acme-shared.iam.gserviceaccount.com", project_id = "acme-shared" }
      push_service_account = { email = "writer@acme-shared.iam.gserviceaccount.com", project_id = "acme-shared" }
    } }
  }

  assert {
    condition = jsondecode(google_cloudfunctions2_function.door["platform"].service_config[0].environment_variables.ALIEN_OLD_BINDING) == {
      service                 = "gar"
      projectId               = "acme-functions"
      location                = "europe"
      repositoryName          = "eu.gcr.io"
      pullServiceAccountEmail = "reader@acme-shared.iam.gserviceaccount.com"
      pushServiceAccountEmail = "writer@acme-shared.iam.gserviceaccount.com"
    }
    error_message = "A repository that took the place of Container Registry can be bound."
  }
}

run "bindings" {
  command = plan

  variables {
    registry_project_id = "acme-registries"
    registries = {
      images    = {}
      my-builds = { project_id = "example.com:builds", location = "europe", repository_id = "builds" }
      theirs    = { pull_service_account = { email = "reader@acme-shared.iam.gserviceaccount.com", project_id = "acme-shared" }, push_service_account = { email = "writer@shared.example.com.iam.gserviceaccount.com", project_id = "example.com:shared" } }
    }
    access_rules = [
      {
        callers      = [{ issuer = "gcp", subject = "deploy@acme-ci.iam.gserviceaccount.com" }]
        operations   = ["*"]
        registries   = ["images"]
        repositories = ["*"]
      },
      {
        callers      = [{ issuer = "gcp", subject = "deploy@acme-ci.iam.gserviceaccount.com" }]
        operations   = ["*"]
        registries   = ["images"]
        repositories = ["*"]
        permissions  = ["pull", "push-pull"]
        grantees     = ["*"]
      },
    ]
  }

  assert {
    condition = jsondecode(google_cloudfunctions2_function.door["platform"].service_config[0].environment_variables.ALIEN_IMAGES_BINDING) == {
      service                 = "gar"
      projectId               = "acme-registries"
      location                = "europe-west1"
      repositoryName          = "acme-images"
      pullServiceAccountEmail = "acme-images-pull@acme-registries.iam.gserviceaccount.com"
      pushServiceAccountEmail = "acme-images-push@acme-registries.iam.gserviceaccount.com"
    }
    error_message = "A binding says all that is known."
  }
  assert {
    condition = jsondecode(google_cloudfunctions2_function.door["platform"].service_config[0].environment_variables.ALIEN_MY_BUILDS_BINDING) == {
      service                 = "gar"
      projectId               = "example.com:builds"
      location                = "europe"
      repositoryName          = "builds"
      pullServiceAccountEmail = "builds-pull@builds.example.com.iam.gserviceaccount.com"
      pushServiceAccountEmail = "builds-push@builds.example.com.iam.gserviceaccount.com"
    }
    error_message = "Accounts of a domain-scoped project have the domain behind its name."
  }
  assert {
    condition     = sort(keys(google_service_account.minting)) == sort(["images/pull", "images/push", "my-builds/pull", "my-builds/push"]) && google_service_account.minting["images/pull"].project == "acme-registries"
    error_message = "Accounts are made in the registry's project, but for those that are given."
  }
  assert {
    condition = (
      google_service_account_iam_member.function["platform/theirs/pull/minting"].role == "projects/acme-shared/roles/acme_minting"
      && google_service_account_iam_member.function["platform/theirs/push/minting"].role == "projects/example.com:shared/roles/acme_minting"
      && google_service_account_iam_member.function["platform/theirs/push/minting"].service_account_id == "projects/example.com:shared/serviceAccounts/writer@shared.example.com.iam.gserviceaccount.com"
      && google_artifact_registry_repository_iam_member.minting["theirs/push"].member == "serviceAccount:writer@shared.example.com.iam.gserviceaccount.com"
    )
    error_message = "Accounts that are given get the same rights, wherever they are."
  }
  assert {
    condition = (
      google_cloudfunctions2_function.door["platform"].service_config[0].environment_variables.ALIEN_REGISTRIES == "images,my-builds,theirs"
      && !can(google_cloudfunctions2_function.door["platform"].service_config[0].environment_variables.ALIEN_STACK_PREFIX)
    )
    error_message = "Names are told, and nothing is derived."
  }
  assert {
    condition     = [for rule in jsondecode(google_cloudfunctions2_function.door["platform"].service_config[0].environment_variables.ALIEN_ACCESS_RULES) : keys(rule)] == [["callers", "operations", "registries", "repositories"], ["callers", "grantees", "operations", "permissions", "registries", "repositories"]]
    error_message = "A rule has every field that it was given, and no other."
  }
  assert {
    condition     = jsondecode(google_cloudfunctions2_function.door["platform"].service_config[0].environment_variables.ALIEN_ACCESS_RULES)[1].permissions == ["pull", "push-pull"]
    error_message = "A rule says who may push."
  }
}

# The same names that provisionRegistry gives, which finds what is made here.
run "names_of_accounts" {
  command = plan

  variables {
    registries = {
      room   = { repository_id = "a-repository-name-just-in" }
      long   = { repository_id = "a-repository-name-too-long" }
      dashes = { repository_id = "a--b--c-with-a-very-long-name" }
      hashed = { repository_id = "a-abcdefghijklmnopqrst" }
    }
  }

  assert {
    condition = { for name, accounts in output.minting_accounts : name => split("@", accounts.push)[0] } == {
      room   = "a-repository-name-just-in-push"
      long   = "a-re-5ccmke46cl3lbofy4pil-push"
      dashes = "a-b-vr6fos63b3rgure3vknc-push"
      hashed = "a-ab-vmghcq2jpefdqjjqq37l-push"
    }
    error_message = "A repository whose name leaves no room for the kind, or looks like one with a hash, is shortened and carries a hash."
  }
}

run "derived" {
  command = plan

  variables {
    registries          = {}
    registry_project_id = "acme-registries"
    derived_registries  = true
  }

  assert {
    condition = (
      google_cloudfunctions2_function.door["platform"].service_config[0].environment_variables.ALIEN_STACK_PREFIX == "acme"
      && google_cloudfunctions2_function.door["platform"].service_config[0].environment_variables.GOOGLE_CLOUD_PROJECT == "acme-registries"
      && google_cloudfunctions2_function.door["platform"].service_config[0].environment_variables.GOOGLE_CLOUD_LOCATION == "europe-west1"
      && !can(google_cloudfunctions2_function.door["platform"].service_config[0].environment_variables.ALIEN_REGISTRIES)
    )
    error_message = "The functions find registries by the stack's prefix, in the registries' project."
  }
}
