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
  # A door whose callers may do everything has every right.
  access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }, { issuer = "gcp", subject = "deploy" }, { issuer = "door", subject = "*" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = ["pull", "push-pull"], grantees = ["*"] }]
  registries   = { images = {}, builds = { project_id = "acme-builds", location = "europe" } }
}

run "repositories" {
  command = plan

  variables {
    doors = { platform = {}, oidc = {}, invoke = {}, events = {} }
  }

  assert {
    condition = sort([for key, member in google_artifact_registry_repository_iam_member.function : key if startswith(key, "oidc/")]) == sort([
      for key in setproduct(["builds", "images"], ["deletions", "grants", "grants_reading", "image_deletions", "images", "listing", "packages", "registry"]) : "oidc/${join("/", key)}"
    ])
    error_message = "A door for callers works on each repository, and on no other."
  }
  assert {
    condition     = sort([for key, member in google_artifact_registry_repository_iam_member.function : key if startswith(key, "events/")]) == tolist(["events/builds/grants", "events/builds/grants_reading", "events/builds/packages", "events/images/grants", "events/images/grants_reading", "events/images/packages"])
    error_message = "An event grants, and deletes nothing."
  }
  assert {
    condition = (
      google_artifact_registry_repository_iam_member.function["oidc/builds/registry"].project == "acme-builds"
      && google_artifact_registry_repository_iam_member.function["oidc/builds/registry"].location == "europe"
      && google_artifact_registry_repository_iam_member.function["oidc/builds/registry"].repository == "acme-builds"
      && google_artifact_registry_repository_iam_member.function["oidc/builds/registry"].role == "projects/acme-builds/roles/acme_registry"
      && google_artifact_registry_repository_iam_member.function["oidc/builds/registry"].member == "serviceAccount:acme-oidc@acme-functions.iam.gserviceaccount.com"
    )
    error_message = "Rights are bound on the repository itself, by a role of its own project."
  }
  assert {
    condition     = alltrue([for member in concat(values(google_artifact_registry_repository_iam_member.function), values(google_artifact_registry_repository_iam_member.minting)) : length(member.condition) == 0])
    error_message = "The policy of a repository takes no condition: Google refuses it."
  }
  assert {
    condition     = length(google_project_iam_member.function) == 0
    error_message = "Nothing is bound on a project that can be bound on the repository."
  }
  assert {
    condition     = length(google_tags_tag_key.registries) == 0 && !anytrue([for function in values(google_cloudfunctions2_function.door) : contains(keys(function.service_config[0].environment_variables), "ALIEN_REGISTRY_TAG")])
    error_message = "Where nothing is derived there is no tag."
  }
}

run "minting" {
  command = plan

  variables {
    doors = { platform = {}, oidc = {}, invoke = {}, events = {} }
  }

  assert {
    condition     = sort([for key in keys(google_service_account_iam_member.function) : key if strcontains(key, "/images/")]) == sort(flatten([for door in ["invoke", "oidc", "platform"] : [for kind in ["pull", "push"] : "${door}/images/${kind}/minting"]]))
    error_message = "The doors for callers mint, and the events door does not."
  }
  assert {
    condition = (
      google_service_account_iam_member.function["oidc/builds/push/minting"].service_account_id == "projects/acme-builds/serviceAccounts/acme-builds-push@acme-builds.iam.gserviceaccount.com"
      && google_service_account_iam_member.function["oidc/builds/push/minting"].role == "projects/acme-builds/roles/acme_minting"
      && google_service_account_iam_member.function["oidc/builds/push/minting"].member == "serviceAccount:acme-oidc@acme-functions.iam.gserviceaccount.com"
    )
    error_message = "Tokens are made of exactly that account, by a role that can make access tokens and nothing else."
  }
  assert {
    condition = { for key, member in google_artifact_registry_repository_iam_member.minting : key => "${member.role} ${member.member}" if startswith(key, "images/") } == {
      "images/pull" = "roles/artifactregistry.reader serviceAccount:acme-images-pull@acme-functions.iam.gserviceaccount.com"
      "images/push" = "roles/artifactregistry.writer serviceAccount:acme-images-push@acme-functions.iam.gserviceaccount.com"
    }
    error_message = "The pull account reads its repository, the push account writes to it."
  }
  assert {
    condition     = google_project_iam_custom_role.concern["acme-functions/minting"].permissions == toset(["iam.serviceAccounts.getAccessToken"])
    error_message = "Minting is one permission."
  }
  assert {
    condition     = endswith(google_service_account.minting["builds/push"].description, " alien-artifact-registry=europe/acme-builds")
    error_message = "Provisioning knows the accounts as the registry's."
  }
}

run "roles" {
  command = plan

  variables {
    doors               = { platform = {}, events = {}, provision = {} }
    registry_project_id = "acme-registries"
  }

  assert {
    condition = alltrue([for role in values(google_project_iam_custom_role.concern) :
      role.permissions == toset(jsondecode(file("roles/permissions.json"))[trimprefix(role.role_id, "acme_")])
    ])
    error_message = "Custom roles have what roles/permissions.json says."
  }
  assert {
    condition     = sort([for key in keys(google_project_iam_custom_role.concern) : key]) == sort(concat([for concern in ["deletions", "grants", "grants_reading", "image_deletions", "images", "listing", "minting", "packages", "registry"] : "acme-builds/${concern}"], [for concern in ["deletions", "grants", "grants_reading", "image_deletions", "images", "listing", "minting", "packages", "provisioning", "provisioning_grants", "registry"] : "acme-registries/${concern}"]))
    error_message = "A project has the roles that are bound in it, and no others; the functions' own has none."
  }
  assert {
    condition = { for key, member in google_project_iam_member.function : key => "${member.project} ${member.role} ${member.member}" } == {
      for concern in ["provisioning", "provisioning_grants"] : "provision/${concern}" => "acme-registries projects/acme-registries/roles/acme_${concern} serviceAccount:acme-provision@acme-functions.iam.gserviceaccount.com"
    }
    error_message = "The provision door works in the registries' project, and in no other."
  }
  assert {
    condition     = strcontains(google_project_iam_member.function["provision/provisioning_grants"].condition[0].expression, "hasOnly(['roles/iam.serviceAccountTokenCreator'])")
    error_message = "The provision door gives the right to mint on accounts, and no other."
  }
  assert {
    condition     = length([for key in concat(keys(google_service_account_iam_member.function), keys(google_artifact_registry_repository_iam_member.function)) : key if startswith(key, "provision/")]) == 0
    error_message = "Who makes registries does not use them."
  }
}

run "derived" {
  command = plan

  variables {
    registries          = {}
    registry_project_id = "acme-registries"
    derived_registries  = true
    doors               = { oidc = {}, events = {} }
  }

  assert {
    condition = { for key, member in google_project_iam_member.function : key => "${member.project} ${member.role}" } == {
      for key in ["events/grants", "events/grants_reading", "events/packages", "events/registry", "oidc/deletions", "oidc/grants", "oidc/grants_reading", "oidc/image_deletions", "oidc/images", "oidc/listing", "oidc/packages", "oidc/registry"] : key => "acme-registries projects/acme-registries/roles/acme_${split("/", key)[1]}"
    }
    error_message = "What is provisioned later is worked on in its project, and the provisioned accounts say who mints."
  }
  assert {
    condition = { for key, member in google_project_iam_member.function : key => join(" ", member.condition[*].expression) } == {
      for key in ["events/grants", "events/grants_reading", "events/packages", "events/registry", "oidc/deletions", "oidc/grants", "oidc/grants_reading", "oidc/image_deletions", "oidc/images", "oidc/listing", "oidc/packages", "oidc/registry"] :
      key => endswith(key, "/registry") ? "" : "resource.matchTag('acme-registries/acme-registries', 'provisioned')"
    }
    error_message = "What changes a registry is bound to the tag of those that were provisioned; what looks for one is not."
  }
  assert {
    condition = (
      google_tags_tag_key.registries[0].parent == "projects/acme-registries"
      && google_tags_tag_key.registries[0].short_name == "acme-registries"
      && google_tags_tag_value.provisioned[0].short_name == "provisioned"
    )
    error_message = "The tag is the registries' project's own, and goes by the names that the condition has."
  }
  assert {
    condition     = length(google_tags_tag_value_iam_member.function) == 0
    error_message = "No door that works on registries attaches the tag."
  }
}

run "provisioned_later" {
  command = plan

  variables {
    registry_project_id = "acme-registries"
    derived_registries  = true
    doors               = { platform = {}, provision = {} }
  }

  assert {
    condition     = [for key, member in google_tags_tag_value_iam_member.function : "${key} ${member.role} ${member.member}"] == ["provision/tag_binding projects/acme-registries/roles/acme_tag_binding serviceAccount:acme-provision@acme-functions.iam.gserviceaccount.com"]
    error_message = "Only the provision door attaches the tag."
  }
  assert {
    condition = { for key, member in google_project_iam_member.function : trimprefix(key, "provision/") => join(" ", member.condition[*].title) if startswith(key, "provision/") } == {
      provisioning        = ""
      provisioning_grants = "grants_minting_only"
      tagging             = ""
    }
    error_message = "It attaches the tag to what has none yet."
  }
  assert {
    condition     = alltrue([for function in values(google_cloudfunctions2_function.door) : contains(keys(function.service_config[0].environment_variables), "ALIEN_REGISTRY_TAG")])
    error_message = "Each door knows the tag: the one to attach it, the others to name it where they are refused."
  }
}

run "build" {
  command = plan

  assert {
    condition = (
      google_project_iam_member.build_logs[0].role == "roles/logging.logWriter"
      && google_project_iam_member.build_source[0].role == "roles/storage.objectViewer"
      && strcontains(google_project_iam_member.build_source[0].condition[0].expression, "'projects/_/buckets/gcf-v2-sources-111122223333-europe-west1'")
      && google_artifact_registry_repository_iam_member.build[0].repository == "acme-functions"
    )
    error_message = "The build reads sources of functions, writes logs, and pushes into the functions' own repository."
  }
}
