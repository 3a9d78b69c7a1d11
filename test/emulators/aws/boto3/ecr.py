"""Amazon ECR and ECR Public, through boto3."""

import base64
import datetime
import json
import os
import urllib.error
import urllib.request

from checking import check, equal
from checks import HOME, OTHER, client, function_keys, policy, refused


@check
def repositories_are_made_described_and_deleted():
    ecr = client("ecr")
    made = ecr.create_repository(
        repositoryName="py/images-app",
        tags=[{"Key": "owner", "Value": "suite"}],
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
    )["repository"]
    equal(made["repositoryArn"], f"arn:aws:ecr:us-east-1:{HOME}:repository/py/images-app")
    equal(made["repositoryUri"], f"{HOME}.dkr.ecr.us-east-1.amazonaws.com/py/images-app")
    assert isinstance(made["createdAt"], datetime.datetime)
    refused("RepositoryAlreadyExistsException", ecr.create_repository, repositoryName="py/images-app")
    refused("InvalidParameterException", ecr.create_repository, repositoryName="py/Images")
    equal(ecr.describe_repositories(repositoryNames=["py/images-app"])["repositories"], [made])
    equal(ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"], [{"Key": "owner", "Value": "suite"}])
    ecr.delete_repository(repositoryName="py/images-app", force=True)
    refused("RepositoryNotFoundException", ecr.describe_repositories, repositoryNames=["py/images-app"])
    refused("RepositoryNotFoundException", ecr.delete_repository, repositoryName="py/images-app")


@check
def lists_come_in_pages():
    ecr = client("ecr", "eu-west-1")
    names = [f"py-page-{i}" for i in range(5)]
    for name in names:
        ecr.create_repository(repositoryName=name)
    pages = list(ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2}))
    equal(len(pages), 3)
    equal([one["repositoryName"] for page in pages for one in page["repositories"]], names)


@check
def policies_are_set_read_and_deleted():
    ecr = client("ecr")
    name = "py-policy"
    ecr.create_repository(repositoryName=name)
    refused("RepositoryPolicyNotFoundException", ecr.get_repository_policy, repositoryName=name)
    statement = {"Sid": "pull", "Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": ["ecr:BatchGetImage"]}
    ecr.set_repository_policy(repositoryName=name, policyText=policy(statement))
    stored = json.loads(ecr.get_repository_policy(repositoryName=name)["policyText"])
    equal(stored["Statement"], [{**statement, "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}}])
    unknown = {**statement, "Principal": {"AWS": f"arn:aws:iam::{OTHER}:role/nobody"}}
    message = refused("InvalidParameterException", ecr.set_repository_policy, repositoryName=name, policyText=policy(unknown))
    equal(message, "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'")
    bad = {**statement, "Resource": "*"}
    refused("InvalidParameterException", ecr.set_repository_policy, repositoryName=name, policyText=policy(bad))
    ecr.delete_repository_policy(repositoryName=name)
    refused("RepositoryPolicyNotFoundException", ecr.delete_repository_policy, repositoryName=name)


@check
def the_replication_configuration_is_overwritten():
    ecr = client("ecr")
    rules = [
        {
            "destinations": [{"region": "eu-west-1", "registryId": HOME}],
            "repositoryFilters": [{"filter": "py", "filterType": "PREFIX_MATCH"}],
        }
    ]
    put = ecr.put_replication_configuration
    equal(put(replicationConfiguration={"rules": rules})["replicationConfiguration"], {"rules": rules})
    equal(ecr.describe_registry()["replicationConfiguration"], {"rules": rules})
    refused("InvalidParameterException", put, replicationConfiguration={"rules": rules * 26})
    put(replicationConfiguration={"rules": []})


@check
def a_token_opens_the_data_plane():
    data = client("ecr").get_authorization_token()["authorizationData"][0]
    equal(data["proxyEndpoint"], f"https://{HOME}.dkr.ecr.us-east-1.amazonaws.com")
    left = data["expiresAt"] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(hours=11, minutes=59) < left <= datetime.timedelta(hours=12), left
    assert base64.b64decode(data["authorizationToken"]).startswith(b"AWS:")
    equal(status({"Authorization": "Basic " + data["authorizationToken"]}), 200)
    equal(status({"Authorization": "Basic " + base64.b64encode(b"AWS:guessed").decode()}), 401)
    equal(status({}), 401)


@check
def public_repositories_are_made_described_and_deleted():
    ecr = client("ecr-public")
    catalog = {"description": "an app", "architectures": ["ARM 64"], "operatingSystems": ["Linux"]}
    made = ecr.create_repository(repositoryName="py-public", catalogData=catalog)["repository"]
    alias = ecr.describe_registries()["registries"][0]["aliases"][0]["name"]
    equal(made["repositoryUri"], f"public.ecr.aws/{alias}/py-public")
    stored = ecr.get_repository_catalog_data(repositoryName="py-public")["catalogData"]
    equal({key: stored[key] for key in catalog}, catalog)
    refused("InvalidParameterException", ecr.create_repository, repositoryName="py--public")
    assert "authorizationToken" in ecr.get_authorization_token()["authorizationData"]
    ecr.delete_repository(repositoryName="py-public")
    refused("RepositoryNotFoundException", ecr.describe_repositories, repositoryNames=["py-public"])


@check
def nothing_is_allowed_without_a_policy():
    ecr = client("ecr", **function_keys())
    message = refused("AccessDeniedException", ecr.create_repository, repositoryName="py-denied")
    assert "is not authorized to perform: ecr:CreateRepository on resource" in message, message
    refused("AccessDeniedException", ecr.get_authorization_token)


def status(headers):
    try:
        return urllib.request.urlopen(urllib.request.Request(os.environ["REGISTRY_URL"] + "/v2/", headers=headers)).status
    except urllib.error.HTTPError as error:
        return error.code
