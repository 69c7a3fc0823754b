"""Runs an image of this machine as an App Runner service, by boto3 and Docker alone.

    python app_runner.py IMAGE PORT [PATH]

The image is pushed to ECR, the service is created from it, and its URL is requested. PATH is what
answers with status 200, / unless it is given.
"""

import base64
import json
import ssl
import sys
import time
import urllib.request
from typing import Any

import docker

from localcloud.aws.standalone import StandaloneEndpoint, aws_endpoint

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "build.apprunner.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
PULL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}],
}


def push(aws: StandaloneEndpoint, image: str) -> str:
    """Push an image, and return its name in the registry."""
    ecr = aws.client("ecr")
    uri: str = ecr.create_repository(repositoryName="example")["repository"]["repositoryUri"]
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    engine = docker.from_env()
    engine.images.get(image).tag(uri, "1")
    login = {"username": user, "password": password}
    for line in engine.images.push(uri, "1", auth_config=login, stream=True, decode=True):
        if "error" in line:
            raise SystemExit(line["error"])
    engine.images.remove(f"{uri}:1")
    return f"{uri}:1"


def create(aws: StandaloneEndpoint, image: str, port: str, path: str) -> Any:  # noqa: ANN401 - boto3's answer
    """Create a service, and wait until it runs."""
    iam, apprunner = aws.client("iam"), aws.client("apprunner")
    role = iam.create_role(RoleName="pull", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    iam.put_role_policy(RoleName="pull", PolicyName="pull", PolicyDocument=json.dumps(PULL))
    service = apprunner.create_service(
        ServiceName="example",
        SourceConfiguration={
            "ImageRepository": {
                "ImageIdentifier": image,
                "ImageRepositoryType": "ECR",
                "ImageConfiguration": {"Port": port},
            },
            "AuthenticationConfiguration": {"AccessRoleArn": role["Arn"]},
            "AutoDeploymentsEnabled": False,
        },
        HealthCheckConfiguration={"Protocol": "HTTP", "Path": path, "Interval": 1},
    )["Service"]
    while service["Status"] == "OPERATION_IN_PROGRESS":
        time.sleep(0.5)
        service = apprunner.describe_service(ServiceArn=service["ServiceArn"])["Service"]
    return service


def main() -> None:
    """Run the example."""
    image, port, path = (*sys.argv[1:], "/")[:3]
    with aws_endpoint() as aws:
        service = create(aws, push(aws, image), port, path)
        print(service["ServiceName"], service["Status"])
        url = f"https://{service['ServiceUrl']}{path}"
        trust = ssl.create_default_context(cafile=aws.ca_bundle)
        with urllib.request.urlopen(url, context=trust, timeout=30) as response:
            print(url, response.status)


if __name__ == "__main__":
    main()
