"""What the checks have in common: clients, refusals, and one line of output for each check."""

import json
import os
import traceback

from azure.containerregistry import ContainerRegistryClient
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.containerregistry import ContainerRegistryManagementClient

SUBSCRIPTION = os.environ["AZURE_SUBSCRIPTION_ID"]
GROUP = os.environ["EMULATOR_GROUP"]
ARM = os.environ["ALIEN_ARM_ENDPOINT"]
SCOPES = ["https://management.azure.com/.default"]
CHECKS = []


def own_credential(client_id=os.environ["AZURE_CLIENT_ID"]):
    """A managed identity of the app that this process is."""
    return ManagedIdentityCredential(client_id=client_id)


def application(secret=None):
    """An application that has a secret."""
    return ClientSecretCredential(
        os.environ["AZURE_TENANT_ID"],
        os.environ["EMULATOR_APPLICATION"],
        secret or os.environ["EMULATOR_SECRET"],
        authority=os.environ["EMULATOR_AUTHORITY"],
        disable_instance_discovery=True,
    )


# No call is repeated: a refusal is the first answer.
FIRST_ANSWER = {"retry_total": 0}


def registries(credential=None):
    return ContainerRegistryManagementClient(
        credential or own_credential(),
        SUBSCRIPTION,
        base_url=ARM,
        credential_scopes=SCOPES,
        polling_interval=0,
        **FIRST_ANSWER,
    )


def authorization(credential=None):
    return AuthorizationManagementClient(
        credential or own_credential(), SUBSCRIPTION, base_url=ARM, credential_scopes=SCOPES, **FIRST_ANSWER
    )


def images(url=os.environ["EMULATOR_IMAGES"], credential=None):
    return ContainerRegistryClient(url, credential or own_credential(), **FIRST_ANSWER)


def refused(kind, call, *arguments, **parameters):
    """The call must end with an error of this class; returns it."""
    try:
        call(*arguments, **parameters)
    except Exception as error:
        assert type(error) is kind, f"{error!r} instead of {kind.__name__}"
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def equal(actual, expected):
    assert actual == expected, f"{actual!r} is not {expected!r}"


def check(function):
    CHECKS.append(function)
    return function


def run():
    """Runs every check; one line of JSON for each."""
    for function in CHECKS:
        problem = None
        try:
            function()
        except Exception:
            problem = traceback.format_exc(limit=3)
        print(json.dumps({"name": function.__name__, "problem": problem}), flush=True)
