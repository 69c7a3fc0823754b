"""CloudTrail at the endpoint: who called what."""

import io
import json
import uuid
import zipfile
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from aws.conftest import ACCOUNT, REGION, AwsEndpoint, create_role

pytestmark = pytest.mark.stand_in

READ_SECRET = """
import os
import boto3


def handler(event, context):
    boto3.client("secretsmanager").get_secret_value(SecretId=event["secret"])
    return boto3.client("sts").get_caller_identity()["Arn"]
"""


def events(endpoint: AwsEndpoint, name: str, value: str) -> list[dict[str, Any]]:
    """Look up events, with retries as the lookups are limited."""
    key = endpoint.key
    client = boto3.session.Session().client(
        "cloudtrail",
        endpoint_url=endpoint.url,
        region_name=REGION,
        aws_access_key_id=key.key_id,
        aws_secret_access_key=key.secret,
    )
    attributes = [{"AttributeKey": name, "AttributeValue": value}]
    found: list[dict[str, Any]] = client.lookup_events(LookupAttributes=attributes)["Events"]
    return found


def test_who_read_a_secret_is_recorded(endpoint: AwsEndpoint) -> None:
    secrets, name = endpoint.client("secretsmanager"), f"audit-{uuid.uuid4()}"
    secrets.create_secret(Name=name, SecretString="s3cr3t")
    secrets.get_secret_value(SecretId=name)
    with pytest.raises(ClientError):
        secrets.get_secret_value(SecretId=name, VersionStage="missing")
    failed, read = events(endpoint, "ResourceName", name)
    assert (read["EventName"], read["EventSource"], read["Username"], read["ReadOnly"]) == (
        "GetSecretValue",
        "secretsmanager.amazonaws.com",
        "root",
        "true",
    )
    document = json.loads(read["CloudTrailEvent"])
    assert document["requestParameters"] == {"secretId": name}
    assert document["userIdentity"]["arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert "errorCode" not in document
    failure = json.loads(failed["CloudTrailEvent"])
    assert failure["errorCode"] == "ResourceNotFoundException"
    created = [
        event
        for event in events(endpoint, "EventName", "CreateSecret")
        if name in event["CloudTrailEvent"]
    ]
    assert len(created) == 1
    assert "s3cr3t" not in created[0]["CloudTrailEvent"]


def test_a_user_and_a_function_are_recorded_by_their_names(endpoint: AwsEndpoint) -> None:
    secrets, client = endpoint.client("secretsmanager"), endpoint.client("lambda")
    name = f"audit-{uuid.uuid4()}"
    secret = secrets.create_secret(Name=name, SecretString="x")["ARN"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", READ_SECRET)
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=create_role(endpoint, name, "lambda.amazonaws.com", []),
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=20,
    )
    payload = json.dumps({"secret": secret}).encode()
    result = client.invoke(FunctionName=name, Payload=payload)["Payload"].read()
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{name}"
    assert json.loads(result) == session
    iam = endpoint.client("iam")
    iam.create_user(UserName=name)
    issued = iam.create_access_key(UserName=name)["AccessKey"]
    boto3.session.Session().client(
        "secretsmanager",
        endpoint_url=endpoint.url,
        region_name=REGION,
        aws_access_key_id=issued["AccessKeyId"],
        aws_secret_access_key=issued["SecretAccessKey"],
    ).get_secret_value(SecretId=secret)
    found = [
        json.loads(each["CloudTrailEvent"]) for each in events(endpoint, "ResourceName", secret)
    ]
    assert [(each["userIdentity"]["type"], each["userIdentity"]["arn"]) for each in found] == [
        ("IAMUser", f"arn:aws:iam::{ACCOUNT}:user/{name}"),
        ("AssumedRole", session),
    ]
    client.delete_function(FunctionName=name)
