mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "archive" {}

mock_provider "random" {}

variables {
  prefix       = "acme"
  package_path = "../../dist/aws"
  role_path    = "/"
  doors        = { platform = {}, oidc = {}, invoke = {}, events = {}, provision = {} }
  oidc_issuers = [{ issuer = "https://token.example", audience = "acme" }]
  # Whoever may do everything at a door has every right there.
  access_rules = [{ callers = [{ issuer = "https://token.example", subject = "worker" }, { issuer = "aws", subject = "*" }, { issuer = "door", subject = "invoke" }], operations = ["*"], registries = ["*"], repositories = ["*"], permissions = ["pull", "push-pull"] }]
  registries = {
    images = {
      replication_regions = ["eu-west-1", "us-east-1"]
      repository_defaults = { keep_last = 10, kms_key = { arn = "arn:aws:kms:us-east-1:111122223333:key/one" } }
    }
    gallery = { service = "ecr-public", catalog_data = { about = "Ours." } }
  }
}

run "every_role" {
  command = plan

  assert {
    condition = alltrue(flatten([for key, role_policy in merge(aws_iam_role_policy.function, aws_iam_role_policy.minting) : [
      for statement in jsondecode(role_policy.policy).Statement : [
        for action in flatten([statement.Action]) : !strcontains(action, "*") && !can(statement.NotAction) && !can(statement.NotResource)
      ]
    ]]))
    error_message = "No role may do what is not named."
  }
  assert {
    condition = alltrue(flatten([for key, role_policy in merge(aws_iam_role_policy.function, aws_iam_role_policy.minting) : [
      for statement in jsondecode(role_policy.policy).Statement :
      flatten([statement.Resource]) != ["*"] || length(setsubtract(flatten([statement.Action]), [
        "ecr:GetAuthorizationToken", "ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken",
        "ecr:DescribeRegistry", "ecr:PutReplicationConfiguration", "ecr:StartReplicationBackfill",
      ])) == 0
    ]]))
    error_message = "Only actions that know no resource have * as theirs."
  }
  assert {
    condition = alltrue(flatten([for key, role_policy in aws_iam_role_policy.function : [
      for statement in jsondecode(role_policy.policy).Statement : [
        for resource in flatten([statement.Resource]) :
        !startswith(resource, "arn:aws:ecr:") || startswith(key, "provision/") ||
        can(regex("^arn:aws:ecr:us-east-1:111122223333:repository/acme-images(-\\*)?$", resource)) ||
        (can(regex("^arn:aws:ecr:\\*:111122223333:repository/acme-images(-\\*)?$", resource)) && try(statement.Condition.StringEquals["aws:RequestedRegion"], []) == ["eu-west-1", "us-east-1"]) ||
        can(regex("^arn:aws:ecr:(us-east-1|eu-west-1):111122223333:repository/acme-images(-\\*)?$", resource)) || endswith(key, "/listing") ||
        resource == "arn:aws:ecr:*:111122223333:repository/acme-images--principals"
      ]
    ]]))
    error_message = "The doors reach the registry's own repositories, at home and in its replica regions, and the empty one that is asked about principals."
  }
  assert {
    condition = alltrue([for door in ["platform", "oidc", "invoke"] : [for statement in jsondecode(aws_iam_role_policy.function["${door}/listing"].policy).Statement : [statement.Action, statement.Resource]] ==
      [["ecr:DescribeRepositories", [for region in ["us-east-1", "eu-west-1"] : "arn:aws:ecr:${region}:111122223333:repository/*"]]]
    ])
    error_message = "Who lists sees the names of all repositories, since ECR lists all or none, where the registry has any."
  }
}

run "regions_that_differ" {
  command = plan

  variables {
    registries = {
      images = { replication_regions = ["eu-west-1"], repository_defaults = { keep_last = 10 } }
      builds = { replication_regions = ["us-west-2"], repository_defaults = { keep_last = 10 } }
    }
  }

  assert {
    condition = alltrue(flatten([for concern in ["creation", "lifecycle", "deletions", "grants-reading", "grants"] : [
      for resource in jsondecode(aws_iam_role_policy.function["invoke/${concern}"].policy).Statement[0].Resource :
      can(regex("^arn:aws:ecr:(us-east-1|eu-west-1):111122223333:repository/acme-images(-\\*)?$", resource)) || can(regex("^arn:aws:ecr:(us-east-1|us-west-2):111122223333:repository/acme-builds(-\\*)?$", resource))
    ]]))
    error_message = "No registry is reached in another's region."
  }
}

run "each_door" {
  command = plan

  assert {
    condition     = sort(distinct([for key in keys(aws_iam_role_policy.function) : split("/", key)[0] if endswith(key, "/sessions")])) == tolist(["invoke", "oidc", "platform"])
    error_message = "Only the doors that mint may assume the pull and push roles."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.function["invoke/sessions"].policy).Statement[0].Resource == [
      for name in ["gallery-pull", "gallery-push", "images-pull", "images-push"] : "arn:aws:iam::111122223333:role/acme-${name}"
    ]
    error_message = "They may assume exactly those roles."
  }
  assert {
    condition = length([for key, role_policy in aws_iam_role_policy.function : key if startswith(key, "events/") &&
      can(regex("DeleteRepository\"|AssumeRole|iam:", role_policy.policy))
    ]) == 0
    error_message = "The events door deletes no repository, and is nobody else."
  }
  assert {
    condition     = sort([for key in keys(aws_iam_role_policy.function) : key if strcontains(key, "queues")]) == tolist(["events/queues"])
    error_message = "Only the events door touches the queues."
  }
  assert {
    condition     = sort([for key, role_policy in aws_iam_role_policy.function : key if strcontains(role_policy.policy, "\"iam:")]) == tolist(["provision/provisioning", "provision/provisioning-roles"])
    error_message = "Only the provision door may change IAM."
  }
  assert {
    condition = alltrue(flatten([for key in ["listing", "lifecycle", "deletions"] : [
      for statement in jsondecode(aws_iam_role_policy.function["invoke/${key}"].policy).Statement :
      flatten([statement.Action]) == ["ecr:DescribeRepositories"] || alltrue([for arn in flatten([statement.Resource]) : endswith(arn, "repository/acme-images-*")])
    ]]))
    error_message = "The repository under the bare prefix is neither made nor deleted at run time."
  }
}

run "provisioning" {
  command = plan

  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_role_policy.function["provision/provisioning-roles"].policy).Statement :
      statement.Resource == [for kind in ["pull", "push"] : "arn:aws:iam::111122223333:role/acme-images-${kind}"]
    ])
    error_message = "The provision door changes the pull and push roles of ECR registries, and no execution role."
  }
  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_role_policy.function["provision/provisioning-roles"].policy).Statement :
      try(statement.Condition.StringEquals["iam:PermissionsBoundary"], null) == "arn:aws:iam::111122223333:policy/acme-minting-boundary"
      if length(setintersection(flatten([statement.Action]), ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"])) > 0
    ])
    error_message = "What gives rights needs the boundary."
  }
  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_role_policy.function["provision/provisioning-roles"].policy).Statement :
      can(statement.Condition.StringLike) || statement.Sid == "Read"
    ])
    error_message = "What carries no tag of ours is not touched."
  }
  assert {
    condition     = !strcontains(aws_iam_policy.minting_boundary[0].policy, "CreateRepository") && !strcontains(aws_iam_policy.minting_boundary[0].policy, "RepositoryPolicy")
    error_message = "The boundary allows pushes at most."
  }
  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.function["provision/provisioning"].policy).Statement :
      statement.Condition.StringEquals["aws:RequestedRegion"] if statement.Sid == "Create"
    ] == [["eu-west-1", "us-east-1"]]
    error_message = "The provision door makes repositories at home and in replica regions."
  }
}

run "minted_roles" {
  command = plan

  assert {
    condition     = { for key, role in aws_iam_role.minting : key => role.name } == { for key in ["gallery/pull", "gallery/push", "images/pull", "images/push"] : key => "acme-${replace(key, "/", "-")}" }
    error_message = "Each registry has a pull and a push role."
  }
  assert {
    condition = alltrue([for role in values(aws_iam_role.minting) : alltrue([for statement in jsondecode(role.assume_role_policy).Statement :
      statement.Principal == { AWS = "arn:aws:iam::111122223333:root" } && statement.Condition == {
        ArnEquals                  = { "aws:PrincipalArn" = [for door in ["invoke", "oidc", "platform"] : "arn:aws:iam::111122223333:role/acme-${door}"] }
      }
    ])])
    error_message = "The roles trust the functions that mint, and nobody else."
  }
  assert {
    condition = alltrue([for role_policy in values(aws_iam_role_policy.minting) :
      length(regexall("CreateRepository|DeleteRepository|RepositoryPolicy|TagResource|BatchDelete", role_policy.policy)) == 0
    ])
    error_message = "What is handed out makes, deletes and opens no repository."
  }
  assert {
    condition     = !can(regex("PutImage|Upload", aws_iam_role_policy.minting["images/pull"].policy)) && can(regex("ecr:PutImage", aws_iam_role_policy.minting["images/push"].policy))
    error_message = "Only the push role pushes."
  }
  assert {
    condition     = aws_iam_role.minting["images/push"].permissions_boundary == "arn:aws:iam::111122223333:policy/acme-minting-boundary" && aws_iam_role.minting["images/push"].max_session_duration == 43200
    error_message = "The roles are those that provisionRegistry would make."
  }
  assert {
    condition     = keys(aws_ecr_repository.own) == ["images"] && aws_ecr_repository.own["images"].name == "acme-images" && aws_ecr_repository.own["images"].tags["alien:artifact-registry"] == "acme-images"
    error_message = "The repository under the bare prefix is there, and carries our tag."
  }
}

run "url_callers" {
  command = plan

  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_policy.caller["platform"].policy).Statement :
      statement.Effect == "Deny" ? statement.Resource == [for end in ["", ":*"] : "arn:aws:lambda:us-east-1:111122223333:function:acme-platform${end}"] && (
        statement.Action == "lambda:InvokeAsync" ? !can(statement.Condition) : statement.Condition == { BoolIfExists = { "lambda:InvokedViaFunctionUrl" = "false" } }
      )
      : statement.Action == "lambda:InvokeFunction" ? statement.Condition == { Bool = { "lambda:InvokedViaFunctionUrl" = "true" } }
      : statement.Action == "lambda:InvokeFunctionUrl" && statement.Condition == { StringEquals = { "lambda:FunctionUrlAuthType" = "AWS_IAM" } }
    ])
    error_message = "Who calls the platform door's URL may invoke the function only by it."
  }
}

run "left_to_provisioning" {
  command = plan

  variables {
    provision_roles      = true
    permissions_boundary = { arn = "arn:aws:iam::111122223333:policy/ours" }
  }

  assert {
    condition     = keys(aws_iam_role.minting) == ["gallery/pull", "gallery/push"] && length(aws_ecr_repository.own) == 0
    error_message = "provisionRegistry makes the roles and the repository of ECR registries; it knows nothing of ECR Public."
  }
  assert {
    condition     = jsondecode(output.bindings.images).pullRoleArn == "arn:aws:iam::111122223333:role/acme-images-pull"
    error_message = "Their names are known before."
  }
  assert {
    condition = length(aws_iam_policy.minting_boundary) == 0 && alltrue([
      for role in concat(values(aws_iam_role.function), values(aws_iam_role.minting), aws_iam_role.forwarding) : role.permissions_boundary == "arn:aws:iam::111122223333:policy/ours"
    ])
    error_message = "A boundary that is given is every role's."
  }
  assert {
    condition     = strcontains(aws_iam_role_policy.function["provision/provisioning-roles"].policy, "arn:aws:iam::111122223333:policy/ours")
    error_message = "The provision door needs the boundary that is given."
  }
}
