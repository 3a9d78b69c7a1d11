"""What Azure's own Python clients check: `python run.py`, in the environment that test/e2e/azure-emulator.e2e.ts makes."""

import base64
import io
import json
import os
import uuid

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import CredentialUnavailableError
from azure.mgmt.authorization.models import RoleAssignmentCreateParameters
from azure.mgmt.containerregistry.models import Registry, ScopeMap, ScopeMapProperties, Sku

import checks
from checking import check, equal, refused, run
from checks import GROUP, SUBSCRIPTION, application, authorization, images, own_credential, registries

IMAGES = os.environ["EMULATOR_IMAGES_ID"]
NAME = IMAGES.split("/")[-1]
STRANGER = os.environ["EMULATOR_STRANGER"]
ABAC = os.environ["EMULATOR_ABAC"]
ACTIONS = ["repositories/team/app/content/read", "repositories/team/app/metadata/read"]


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def push(client, repository, tag):
    """The smallest image: an empty object is its configuration and its only layer."""
    digest, size = client.upload_blob(repository, io.BytesIO(b"{}"))
    media = "application/vnd.oci.image"
    blob = {"digest": digest, "size": size}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{media}.manifest.v1+json",
        "config": {**blob, "mediaType": f"{media}.config.v1+json"},
        "layers": [{**blob, "mediaType": f"{media}.layer.v1.tar"}],
    }
    return client.set_manifest(repository, manifest, tag=tag)


def scope_map(actions):
    return ScopeMap(properties=ScopeMapProperties(actions=actions))


@check
def a_managed_identity_gets_a_token_and_no_other_does():
    token = own_credential().get_token("https://containerregistry.azure.net/.default")
    found = claims(token.token)
    equal((found["aud"], found["appid"]), ("https://containerregistry.azure.net", os.environ["AZURE_CLIENT_ID"]))
    equal(token.expires_on, found["exp"])
    scope = "https://containerregistry.azure.net/.default"
    error = refused(CredentialUnavailableError, own_credential(str(uuid.uuid4())).get_token, scope)
    assert "No User Assigned or Delegated Managed Identity found" in error.message, error.message


@check
def an_application_gets_a_token_by_its_secret():
    scope = "https://management.azure.com/.default"
    equal(claims(application().get_token(scope).token)["appid"], os.environ["EMULATOR_APPLICATION"])
    error = refused(ClientAuthenticationError, application("guessed").get_token, scope)
    assert "AADSTS7000215" in error.message, error.message


@check
def images_are_pushed_pulled_listed_and_deleted():
    client = images()
    for repository in ("team", "team/app"):
        digest = push(client, repository, "v1")
        equal(client.get_manifest(repository, "v1").digest, digest)
    equal(b"".join(client.download_blob("team", client.get_manifest("team", "v1").manifest["config"]["digest"])), b"{}")
    equal(sorted(client.list_repository_names()), ["team", "team/app"])
    equal([tag.name for tag in client.list_tag_properties("team/app")], ["v1"])
    properties = client.get_repository_properties("team/app")
    equal((properties.manifest_count, properties.tag_count), (1, 1))
    client.delete_repository("team")
    refused(ResourceNotFoundError, client.get_repository_properties, "team")
    equal(client.get_manifest("team/app", "v1").digest, digest)
    [manifest] = client.list_manifest_properties("team/app")
    equal((manifest.digest, manifest.tags, manifest.size_in_bytes > 0), (digest, ["v1"], True))
    client.delete_tag("team/app", "v1")
    [untagged] = client.list_manifest_properties("team/app")
    equal((untagged.digest, untagged.tags or []), (digest, []))
    client.delete_manifest("team/app", digest)
    equal(list(client.list_manifest_properties("team/app")), [])
    # What comes after looks at it.
    push(client, "team/app", "v1")


@check
def images_are_closed_to_whoever_has_no_role():
    stranger = images(credential=own_credential(STRANGER))
    refused(ClientAuthenticationError, stranger.get_manifest, "team/app", "v1")
    refused(ClientAuthenticationError, push, stranger, "team/app", "v2")
    anonymous = checks.ContainerRegistryClient(os.environ["EMULATOR_IMAGES"], None)
    refused(ClientAuthenticationError, anonymous.get_manifest, "team/app", "v1")


@check
def a_condition_opens_one_repository_only():
    client = images(ABAC)
    push(client, "team/app", "v1")
    equal([tag.name for tag in client.list_tag_properties("team/app")], ["v1"])
    refused(ClientAuthenticationError, push, client, "team/other", "v1")
    refused(ClientAuthenticationError, list, client.list_repository_names())
    refused(ClientAuthenticationError, client.delete_tag, "team/app", "v1")


@check
def registries_are_made_read_and_deleted():
    client = registries().registries
    assert registries().registries.check_name_availability(
        {"name": "pythonimages", "type": "Microsoft.ContainerRegistry/registries"}
    ).name_available
    registry = Registry(location="westeurope", sku=Sku(name="Premium"), tags={"owner": "suite"})
    made = client.begin_create(GROUP, "pythonimages", registry).result(timeout=20)
    equal((made.login_server, made.provisioning_state), ("pythonimages.azurecr.io", "Succeeded"))
    equal(client.get(GROUP, "pythonimages").tags, {"owner": "suite"})
    assert "pythonimages" in [one.name for one in client.list_by_resource_group(GROUP)]
    client.begin_delete(GROUP, "pythonimages").result(timeout=20)
    refused(ResourceNotFoundError, client.get, GROUP, "pythonimages")
    elsewhere = os.environ["EMULATOR_OTHER_GROUP"]
    registry = Registry(location="westeurope", sku=Sku(name="Basic"))
    error = refused(ResourceExistsError, client.begin_create, elsewhere, NAME, registry)
    equal(error.error.code, "AlreadyInUse")


@check
def scope_maps_are_made_read_and_deleted():
    client = registries().scope_maps
    made = client.begin_create(GROUP, NAME, "team-app", scope_map(ACTIONS)).result(timeout=20)
    equal((made.actions, made.properties.type), (ACTIONS, "UserDefined"))
    client.begin_create(GROUP, NAME, "team-app", scope_map(ACTIONS[:1])).result(timeout=20)
    equal(client.get(GROUP, NAME, "team-app").actions, ACTIONS[:1])
    assert "_repositories_pull" in [one.name for one in client.list(GROUP, NAME)]
    error = refused(HttpResponseError, client.begin_create, GROUP, NAME, "team-app", scope_map(["team/app"]))
    equal(error.status_code, 400)
    client.begin_delete(GROUP, NAME, "team-app").result(timeout=20)
    refused(ResourceNotFoundError, client.get, GROUP, NAME, "team-app")


@check
def refusals_name_the_action_and_the_scope():
    client = registries(own_credential(STRANGER)).scope_maps
    error = refused(HttpResponseError, client.begin_create, GROUP, NAME, "team-app", scope_map(ACTIONS))
    equal((error.status_code, error.error.code), (403, "AuthorizationFailed"))
    assert f"'Microsoft.ContainerRegistry/registries/scopeMaps/write' over scope '{IMAGES}/scopeMaps/team-app'" in error.message


@check
def roles_are_assigned_once_and_count():
    client = authorization()
    [role] = client.role_definitions.list(IMAGES, filter="roleName eq 'AcrPull'")
    name = str(uuid.uuid4())
    principal = os.environ["EMULATOR_LATER"]
    given = RoleAssignmentCreateParameters(
        role_definition_id=role.id,
        principal_id=os.environ["EMULATOR_LATER_PRINCIPAL"],
        principal_type="ServicePrincipal",
    )
    later = lambda: images(credential=own_credential(principal)).get_manifest("team/app", "v1")
    refused(ClientAuthenticationError, later)
    client.role_assignments.create(IMAGES, name, given)
    later()
    error = refused(ResourceExistsError, client.role_assignments.create, IMAGES, str(uuid.uuid4()), given)
    equal(error.error.code, "RoleAssignmentExists")
    found = client.role_assignments.list_for_scope(IMAGES, filter=f"principalId eq '{given.principal_id}'")
    equal([one.name for one in found], [name])
    client.role_assignments.delete(IMAGES, name)
    refused(ClientAuthenticationError, later)


run()
