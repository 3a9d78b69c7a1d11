"""The clients that the checks use."""

import os

import google.auth.impersonated_credentials
import grpc
from google.auth import compute_engine
from google.auth.transport.requests import Request
from google.cloud import artifactregistry_v1
from google.cloud.artifactregistry_v1.services.artifact_registry.transports import ArtifactRegistryGrpcTransport

HOME = os.environ["EMULATOR_HOME"]
LOCATION = f"projects/{HOME}/locations/europe-west1"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GAR = os.environ["ALIEN_GAR_ENDPOINT"].removeprefix("http://")


class Authorized(grpc.UnaryUnaryClientInterceptor):
    """Adds the token to every call: without TLS gRPC sends no credentials by itself."""

    def __init__(self, credentials):
        self.credentials = credentials

    def intercept_unary_unary(self, continuation, details, request):
        headers = {}
        self.credentials.before_request(Request(), "POST", details.method, headers)
        return continuation(details._replace(metadata=[*(details.metadata or []), *headers.items()]), request)


def own_credentials():
    """Those of the account that this process runs as, by its metadata server."""
    credentials = compute_engine.Credentials()
    credentials.refresh(Request())
    return credentials


def impersonated(email, lifetime=900):
    """Those of another account, by IAM Credentials."""
    endpoint = os.environ["ALIEN_IAM_CREDENTIALS_ENDPOINT"]
    return google.auth.impersonated_credentials.Credentials(
        source_credentials=own_credentials(),
        target_principal=email,
        target_scopes=[SCOPE],
        lifetime=lifetime,
        iam_endpoint_override=f"{endpoint}/v1/projects/-/serviceAccounts/{email}:generateAccessToken",
    )


def client(credentials=None):
    channel = grpc.insecure_channel(GAR)
    if credentials is not False:
        channel = grpc.intercept_channel(channel, Authorized(credentials or own_credentials()))
    return artifactregistry_v1.ArtifactRegistryClient(transport=ArtifactRegistryGrpcTransport(channel=channel))
