"""What Google's own Python client checks: `python run.py`, in the environment that test/e2e/gcp-emulator.e2e.ts makes."""

import base64
import json
import os
import urllib.error
import urllib.request

from google.api_core import exceptions
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.cloud import artifactregistry_v1 as gar
from google.iam.v1 import iam_policy_pb2, options_pb2, policy_pb2
from google.type import expr_pb2

from checking import check, equal, refused, run
from checks import HOME, LOCATION, client, impersonated, own_credentials

READER = "roles/artifactregistry.reader"
STRANGER = os.environ["EMULATOR_STRANGER"]
PULL = os.environ["EMULATOR_PULL"]
PUSHED = os.environ["EMULATOR_PUSHED"]


def get_policy(resource, version=3):
    options = options_pb2.GetPolicyOptions(requested_policy_version=version)
    return client().get_iam_policy(iam_policy_pb2.GetIamPolicyRequest(resource=resource, options=options))


def set_policy(resource, policy):
    return client().set_iam_policy(iam_policy_pb2.SetIamPolicyRequest(resource=resource, policy=policy))


def fresh(repository_id):
    repository = gar.Repository(format_=gar.Repository.Format.DOCKER, labels={"owner": "suite"})
    operation = client().create_repository(parent=LOCATION, repository_id=repository_id, repository=repository)
    return operation.result(timeout=10)


@check
def repositories_are_made_read_listed_and_deleted():
    made = fresh("python")
    equal(made.name, f"{LOCATION}/repositories/python")
    equal(made.format_, gar.Repository.Format.DOCKER)
    equal(dict(made.labels), {"owner": "suite"})
    equal(client().get_repository(name=made.name), made)
    assert made.name in [repository.name for repository in client().list_repositories(parent=LOCATION)]
    refused(exceptions.AlreadyExists, client().create_repository, parent=LOCATION, repository_id="python", repository=made)
    client().delete_repository(name=made.name).result(timeout=10)
    refused(exceptions.NotFound, client().get_repository, name=made.name)


@check
def invalid_arguments_are_refused():
    docker = gar.Repository(format_=gar.Repository.Format.DOCKER)
    make = client().create_repository
    refused(exceptions.InvalidArgument, make, parent=LOCATION, repository_id="Upper", repository=docker)
    refused(exceptions.InvalidArgument, make, parent=LOCATION, repository_id="formless", repository=gar.Repository())
    refused(exceptions.InvalidArgument, client().get_repository, name="images")
    refused(exceptions.MethodNotImplemented, client().get_project_settings, name=f"projects/{HOME}/projectSettings")


@check
def policies_are_compared_and_swapped():
    resource = fresh("policies").name
    policy = get_policy(resource)
    binding = policy_pb2.Binding(role=READER, members=[f"serviceAccount:{PULL}"])
    policy.bindings.append(binding)
    written = set_policy(resource, policy)
    equal(list(get_policy(resource).bindings), [binding])
    equal(get_policy(resource).etag, written.etag)
    refused(exceptions.Aborted, set_policy, resource, policy)
    equal(list(get_policy(resource).bindings), [binding])


@check
def conditions_need_version_3():
    resource = fresh("conditions").name
    expression = "resource.matchTag('vendor/env', 'prod')"
    condition = expr_pb2.Expr(title="production", expression=expression)
    binding = policy_pb2.Binding(role=READER, members=[f"serviceAccount:{PULL}"], condition=condition)
    refused(exceptions.InvalidArgument, set_policy, resource, policy_pb2.Policy(version=1, bindings=[binding]))
    set_policy(resource, policy_pb2.Policy(version=3, bindings=[binding]))
    equal(list(get_policy(resource).bindings), [binding])
    hidden = get_policy(resource, 1)
    equal(hidden.version, 1)
    assert hidden.bindings[0].role.startswith(f"{READER}_withcond_") and not hidden.bindings[0].HasField("condition")
    refused(exceptions.InvalidArgument, set_policy, resource, hidden)


@check
def unknown_members_are_refused():
    resource = fresh("members").name
    email = f"nobody@{HOME}.iam.gserviceaccount.com"
    policy = policy_pb2.Policy(bindings=[policy_pb2.Binding(role=READER, members=[f"serviceAccount:{email}"])])
    error = refused(exceptions.InvalidArgument, set_policy, resource, policy)
    equal(error.message, f"Service account {email} does not exist.")


@check
def refusals_carry_their_reason():
    name = f"{LOCATION}/repositories/images"
    error = refused(exceptions.PermissionDenied, client(impersonated(STRANGER)).get_repository, name=name)
    equal((error.reason, error.domain), ("IAM_PERMISSION_DENIED", "iam.googleapis.com"))
    equal(error.metadata, {"permission": "artifactregistry.repositories.get", "resource": name})
    error = refused(exceptions.Unauthenticated, client(False).get_repository, name=name)
    equal(error.reason, "CREDENTIALS_MISSING")


@check
def an_impersonated_account_may_what_it_may():
    name = f"{LOCATION}/repositories/images"
    pull = client(impersonated(PULL))
    equal(pull.get_repository(name=name).name, name)
    refused(exceptions.PermissionDenied, pull.delete_package, name=f"{name}/packages/app")
    refused(RefreshError, impersonated(f"nobody@{HOME}.iam.gserviceaccount.com").refresh, Request())
    refused(RefreshError, impersonated(PULL, lifetime=3601).refresh, Request())


@check
def the_registry_opens_to_the_token():
    def get(email):
        credentials = impersonated(email)
        credentials.refresh(Request())
        basic = base64.b64encode(f"oauth2accesstoken:{credentials.token}".encode()).decode()
        return urllib.request.urlopen(urllib.request.Request(PUSHED, headers={"Authorization": f"Basic {basic}"}))

    equal(json.load(get(PULL))["schemaVersion"], 2)
    equal(refused(urllib.error.HTTPError, get, STRANGER).code, 403)


@check
def versions_tell_their_tags_and_are_deleted_with_them():
    parent = f"{LOCATION}/repositories/images/packages/team%2Fapp"
    view = gar.VersionView.FULL
    [version] = client().list_versions(request={"parent": parent, "view": view})
    [tag] = client().list_tags(parent=parent)
    equal([related.name for related in version.related_tags], [tag.name])
    equal(tag.version, version.name)
    if int(version.metadata["imageSizeBytes"]) <= 0 or "manifest" not in version.metadata["mediaType"]:
        raise AssertionError(version.metadata)
    equal([each.name for each in client().list_tags(request={"parent": parent, "filter": f'version="{version.name}"'})], [tag.name])
    refused(exceptions.FailedPrecondition, client().delete_version, name=version.name)
    client().delete_version(request={"name": version.name, "force": True}).result(timeout=10)
    equal(list(client().list_tags(parent=parent)), [])
    refused(exceptions.NotFound, client().delete_tag, name=tag.name)


@check
def packages_are_read_and_deleted_alone():
    parent = f"{LOCATION}/repositories/images"
    names = [f"{parent}/packages/{path}" for path in ("team", "team%2Fapp")]
    equal([package.name for package in client().list_packages(parent=parent)], names)
    client().delete_package(name=names[0]).result(timeout=10)
    refused(exceptions.NotFound, client().get_package, name=names[0])
    equal(client().get_package(name=names[1]).name, names[1])


@check
def the_metadata_server_tells_who_runs():
    equal(own_credentials().service_account_email, os.environ["EMULATOR_CALLER"])


run()
