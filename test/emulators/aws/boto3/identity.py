"""STS and IAM, through boto3."""

import datetime

from checking import check, equal
from checks import FUNCTION_ROLE, HOME, allow, client, function_keys, keys, policy, refused

TRUST = policy({"Effect": "Allow", "Principal": {"AWS": FUNCTION_ROLE}, "Action": "sts:AssumeRole"})


@check
def a_signature_must_hold():
    equal(client("sts").get_caller_identity()["Account"], HOME)
    stranger = {"aws_access_key_id": "EMULATORKEYNONE", "aws_secret_access_key": "none", "aws_session_token": "none"}
    refused("InvalidClientTokenId", client("sts", **stranger).get_caller_identity)
    refused("UnrecognizedClientException", client("ecr", **stranger).describe_registry)
    forged = {**function_keys(), "aws_secret_access_key": "guessed"}
    refused("SignatureDoesNotMatch", client("sts", **forged).get_caller_identity)
    refused("InvalidSignatureException", client("ecr", **forged).describe_registry)


@check
def roles_are_made_changed_and_deleted():
    iam = client("iam")
    name = "py-role"
    made = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=TRUST,
        Tags=[{"Key": "owner", "Value": "suite"}],
        Description='a <role> & "more"',
    )["Role"]
    equal(made["Arn"], f"arn:aws:iam::{HOME}:role/{name}")
    equal(made["AssumeRolePolicyDocument"]["Statement"][0]["Principal"], {"AWS": FUNCTION_ROLE})
    assert isinstance(made["CreateDate"], datetime.datetime)
    equal(iam.get_role(RoleName=name)["Role"]["Description"], 'a <role> & "more"')
    refused("EntityAlreadyExists", iam.create_role, RoleName=name, AssumeRolePolicyDocument=TRUST)
    document = policy(allow("ecr:*"))
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    equal(iam.list_role_policies(RoleName=name)["PolicyNames"], ["p"])
    equal(iam.get_role_policy(RoleName=name, PolicyName="p")["PolicyDocument"]["Statement"], [allow("ecr:*")])
    refused("DeleteConflict", iam.delete_role, RoleName=name)
    refused("MalformedPolicyDocument", iam.put_role_policy, RoleName=name, PolicyName="p", PolicyDocument="{")
    iam.tag_role(RoleName=name, Tags=[{"Key": "more", "Value": "1"}])
    iam.untag_role(RoleName=name, TagKeys=["owner"])
    equal(iam.list_role_tags(RoleName=name)["Tags"], [{"Key": "more", "Value": "1"}])
    iam.update_role(RoleName=name, MaxSessionDuration=7200)
    equal(iam.get_role(RoleName=name)["Role"]["MaxSessionDuration"], 7200)
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)
    refused("NoSuchEntity", iam.get_role, RoleName=name)
    refused("AccessDenied", client("iam", **function_keys()).get_role, RoleName=name)


@check
def roles_are_assumed_within_their_limits():
    iam = client("iam")
    role = iam.create_role(RoleName="py-pull", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=7200)["Role"]["Arn"]
    iam.put_role_policy(RoleName="py-pull", PolicyName="p", PolicyDocument=policy(allow("ecr:*")))
    sts = client("sts", **function_keys())
    assume = {"RoleArn": role, "RoleSessionName": "py@session"}
    narrow = policy(allow("ecr:DescribeRepositories", f"arn:aws:ecr:us-east-1:{HOME}:repository/py-mine"))
    answer = sts.assume_role(**assume, DurationSeconds=900, Policy=narrow)
    left = answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(seconds=890) < left < datetime.timedelta(seconds=910), left
    equal(answer["AssumedRoleUser"]["Arn"], f"arn:aws:sts::{HOME}:assumed-role/py-pull/py@session")
    ecr = client("ecr", **keys(answer["Credentials"]))
    refused("RepositoryNotFoundException", ecr.describe_repositories, repositoryNames=["py-mine"])
    refused("AccessDeniedException", ecr.describe_repositories, repositoryNames=["py-other"])
    message = refused("ValidationError", sts.assume_role, **assume, DurationSeconds=3601)
    equal(message, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
    refused("MalformedPolicyDocument", sts.assume_role, **assume, Policy="{")
    refused("ValidationError", sts.assume_role, RoleArn=role, RoleSessionName="py/session")
    refused("AccessDenied", client("sts").assume_role, **assume)
