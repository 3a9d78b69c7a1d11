"""The clients that the checks use, and refusals."""

import json
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

HOME = os.environ["EMULATOR_HOME"]
OTHER = os.environ["EMULATOR_OTHER"]
FUNCTION_ROLE = os.environ["EMULATOR_FUNCTION_ROLE"]


def client(service, region="us-east-1", **credentials):
    """A client as the environment makes it: AWS_ENDPOINT_URL and the AWS_… keys, which are an administrator's."""
    return boto3.client(service, region_name=region, config=Config(retries={"total_max_attempts": 1}), **credentials)


def keys(credentials):
    """The credentials that AssumeRole answered, as a client takes them."""
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def function_keys():
    """The keys of the role that may do nothing but assume others."""
    return {
        "aws_access_key_id": os.environ["FUNCTION_KEY_ID"],
        "aws_secret_access_key": os.environ["FUNCTION_SECRET"],
        "aws_session_token": os.environ["FUNCTION_SESSION"],
    }


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*"):
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def refused(code, call, **parameters):
    """The call must end with this error; returns its message."""
    try:
        call(**parameters)
    except ClientError as error:
        actual = error.response["Error"]["Code"]
        assert actual == code, f"{actual} instead of {code}: {error}"
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was not raised")
