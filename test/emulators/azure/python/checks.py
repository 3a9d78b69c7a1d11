"""The clients that the checks use."""

import os

from azure.containerregistry import ContainerRegistryClient
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.containerregistry import ContainerRegistryManagementClient

SUBSCRIPTION = os.environ["AZURE_SUBSCRIPTION_ID"]
GROUP = os.environ["EMULATOR_GROUP"]
ARM = os.environ["ALIEN_ARM_ENDPOINT"]
SCOPES = ["https://management.azure.com/.default"]


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
