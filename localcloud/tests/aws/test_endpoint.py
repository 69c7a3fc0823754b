"""The endpoint without App Runner: the registry, tokens, start and stop."""

import contextlib
import io
import json
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import docker.errors
import httpx
import jwt
import psutil
import pytest
from botocore.exceptions import ClientError

from aws.conftest import (
    ACCOUNT,
    OWNER,
    REGION,
    AwsEndpoint,
    Deployments,
    create_role,
    endpoint_arguments,
    eventually,
    start_endpoint,
    stop_endpoint,
)
from localcloud import docker_engine
from localcloud.access_key import AccessKey
from localcloud.labels import OWNER_LABEL
from tests.ports import free_ports
from tests.repository import ROOT

pytestmark = pytest.mark.stand_in

_TRIGGER = """
def handler(event, context):
    client = event["callerContext"]["clientId"]
    scopes = [scope.rpartition("/")[2] for scope in event["request"]["scopes"]]
    event["response"] = {"claimsAndScopeOverrideDetails": {"accessTokenGeneration": {
        "claimsToAddOrOverride": {"aud": client, "groups": scopes}}}}
    return event
"""


@contextlib.contextmanager
def docker_client(engine: docker_engine.DockerEngine) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(engine.host)
    try:
        yield client
    finally:
        client.close()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_an_update_of_a_pool_or_a_client_resets_omitted_settings(endpoint: AwsEndpoint) -> None:
    cognito = endpoint.client("cognito-idp")
    trigger = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:claims"
    pool = cognito.create_user_pool(
        PoolName="reset", LambdaConfig={"PreTokenGeneration": trigger}, UserPoolTier="PLUS"
    )["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="reset",
        AllowedOAuthScopes=["graph/reader"],
        AccessTokenValidity=10,
        EnableTokenRevocation=False,
    )["UserPoolClient"]["ClientId"]
    try:
        cognito.update_user_pool(UserPoolId=pool, AutoVerifiedAttributes=["email"])
        updated = cognito.describe_user_pool(UserPoolId=pool)["UserPool"]
        assert updated["AutoVerifiedAttributes"] == ["email"]
        assert not updated["LambdaConfig"]
        assert updated["UserPoolTier"] == "PLUS"
        cognito.update_user_pool_client(UserPoolId=pool, ClientId=client, ClientName="renamed")
        described = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)
        assert described["UserPoolClient"]["ClientName"] == "renamed"
        assert not described["UserPoolClient"]["AllowedOAuthScopes"]
        assert "AccessTokenValidity" not in described["UserPoolClient"]
        assert described["UserPoolClient"]["EnableTokenRevocation"] is False
    finally:
        cognito.delete_user_pool(UserPoolId=pool)


def test_the_registry_has_local_addresses(
    endpoint: AwsEndpoint, repository: Mapping[str, Any]
) -> None:
    assert repository["repositoryUri"] == f"{endpoint.registry}/server"
    ecr = endpoint.client("ecr")
    [described] = ecr.describe_repositories(repositoryNames=["server"])["repositories"]
    assert described["repositoryUri"] == repository["repositoryUri"]
    assert described["imageScanningConfiguration"] == {"scanOnPush": True}
    [authorization] = ecr.get_authorization_token()["authorizationData"]
    assert authorization["proxyEndpoint"] == endpoint.url
    policy = json.dumps({"rules": []})
    ecr.put_lifecycle_policy(repositoryName="server", lifecyclePolicyText=policy)
    assert ecr.get_lifecycle_policy(repositoryName="server")["lifecyclePolicyText"] == policy


def test_the_registry_requires_its_token(endpoint: AwsEndpoint, image: str) -> None:
    digest = image.rpartition("@")[2]
    url = f"{endpoint.url}/v2/server/manifests/{digest}"
    for login in (None, ("AWS", "guess")):
        refused = httpx.get(url, auth=login)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic realm=")
    response = httpx.get(url, auth=("AWS", endpoint.login()["password"]))
    assert response.headers["Docker-Content-Digest"] == digest


def test_docker_needs_the_token_and_cannot_overwrite_a_tag(
    endpoint: AwsEndpoint, repository: Mapping[str, Any], image: str
) -> None:
    tag = f"{repository['repositoryUri']}:immutable"
    login = endpoint.login()
    endpoint.build(tag, b"one", "one")
    _, error = endpoint.push(tag, None)
    assert error is not None
    assert "no basic auth credentials" in error
    digest, error = endpoint.push(tag, login)
    assert error is None
    endpoint.docker.images.remove(tag)
    endpoint.build(tag, b"another", "another")
    _, error = endpoint.push(tag, login)
    endpoint.docker.images.remove(tag)
    assert error is not None
    assert "immutable" in error
    found = endpoint.client("ecr").describe_images(
        repositoryName="server", imageIds=[{"imageTag": "immutable"}]
    )["imageDetails"]
    assert [each["imageDigest"] for each in found] == [digest]
    assert image.rpartition("@")[2] != digest


def test_an_immutable_tag_is_refused_even_for_the_same_digest(
    endpoint: AwsEndpoint, repository: Mapping[str, Any]
) -> None:
    tag = f"{repository['repositoryUri']}:again"
    endpoint.build(tag, b"the same", "again")
    digest, error = endpoint.push(tag, endpoint.login())
    assert error is None
    _, error = endpoint.push(tag, endpoint.login())
    endpoint.docker.images.remove(tag)
    assert error == (
        "tag invalid: The image tag 'again' already exists in the 'server' repository and cannot"
        " be overwritten because the repository is immutable."
    )
    assert digest is not None


def test_a_mutable_tag_can_be_moved(endpoint: AwsEndpoint) -> None:
    ecr = endpoint.client("ecr")
    uri = ecr.create_repository(repositoryName="movable")["repository"]["repositoryUri"]
    for content in (b"one", b"two"):
        endpoint.build(f"{uri}:moved", content, content.decode())
        digest, error = endpoint.push(f"{uri}:moved", endpoint.login())
        endpoint.docker.images.remove(f"{uri}:moved")
        assert error is None
        (found,) = ecr.describe_images(repositoryName="movable", imageIds=[{"imageTag": "moved"}])[
            "imageDetails"
        ]
        assert found["imageDigest"] == digest


def test_mutability_with_exclusions_is_refused_by_name(
    endpoint: AwsEndpoint, repository: Mapping[str, Any]
) -> None:
    with pytest.raises(ClientError, match="with exclusions is not supported"):
        endpoint.client("ecr").put_image_tag_mutability(
            repositoryName=repository["repositoryName"],
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        )


def test_a_missing_image_is_not_found(endpoint: AwsEndpoint) -> None:
    ecr = endpoint.client("ecr")
    with pytest.raises(ecr.exceptions.ImageNotFoundException):
        ecr.describe_images(
            repositoryName="server", imageIds=[{"imageDigest": f"sha256:{'0' * 64}"}]
        )


@dataclass(frozen=True)
class _TokenResponse:
    """A token endpoint's response, with the pool and the client."""

    pool: str
    client: str
    response: httpx.Response


def _request_token(endpoint: AwsEndpoint, name: str, trigger: str) -> _TokenResponse:
    cognito, functions = endpoint.client("cognito-idp"), endpoint.client("lambda")
    role = create_role(endpoint, f"trigger-{name}", "lambda.amazonaws.com", [])
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", trigger)
    function = functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    pool = cognito.create_user_pool(
        PoolName=name,
        LambdaConfig={
            "PreTokenGenerationConfig": {
                "LambdaArn": function["FunctionArn"],
                "LambdaVersion": "V3_0",
            }
        },
    )["UserPool"]["Id"]
    cognito.create_resource_server(
        UserPoolId=pool,
        Identifier="neo4j-mcp",
        Name="neo4j-mcp",
        Scopes=[{"ScopeName": "reader", "ScopeDescription": "Reads"}],
    )
    client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="caller",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["neo4j-mcp/reader"],
    )["UserPoolClient"]
    response = httpx.post(
        f"{endpoint.url}/oauth2/token",
        data={"grant_type": "client_credentials", "scope": "neo4j-mcp/reader"},
        auth=(client["ClientId"], client["ClientSecret"]),
        timeout=30,
    )
    return _TokenResponse(pool, client["ClientId"], response)


def test_a_token_has_the_claims_of_the_trigger(endpoint: AwsEndpoint) -> None:
    issued = _request_token(endpoint, "claims", _TRIGGER)
    token, pool = issued.response.json()["access_token"], issued.pool
    keys = jwt.PyJWKSet(httpx.get(f"{endpoint.url}/{pool}/.well-known/jwks.json").json()["keys"])
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=issued.client,
        issuer=f"https://cognito-idp.us-east-1.amazonaws.com/{pool}",
    )
    assert claims["groups"] == ["reader"]
    assert claims["scope"] == "neo4j-mcp/reader"


def test_no_token_is_issued_if_the_trigger_fails(endpoint: AwsEndpoint) -> None:
    issued = _request_token(endpoint, "failing", "def handler(event, context):\n    raise OSError")
    assert issued.response.status_code >= 400
    assert "access_token" not in issued.response.text


def test_a_trigger_that_changes_reserved_claims_is_refused_by_name(
    endpoint: AwsEndpoint,
) -> None:
    trigger = _TRIGGER.replace('"aud"', '"sub": "another", "iss": "https://elsewhere", "aud"')
    assert trigger != _TRIGGER
    response = _request_token(endpoint, "overriding", trigger).response
    assert response.status_code == 400
    assert "changes claims that Cognito reserves: sub, iss." in response.json()["error_description"]


def test_the_endpoint_opens_only_its_own_ports(
    endpoint: AwsEndpoint, deployments: Deployments
) -> None:
    service = deployments.running("opens-one")
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.Process(endpoint.process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address for address, _ in listening} == {"127.0.0.1"}
    ports = {port for _, port in listening}
    assert int(endpoint.url.rpartition(":")[2]) in ports
    assert int(service["ServiceUrl"].rpartition(":")[2]) in ports
    living = endpoint.client("apprunner").list_services()["ServiceSummaryList"]
    assert len(ports) == 1 + len(living)


def test_a_failed_start_is_explained(
    endpoint: AwsEndpoint, engine: docker_engine.DockerEngine
) -> None:
    port = endpoint.url.rpartition(":")[2]
    for arguments, host, problem in (
        (["--port", port], engine.host, f"port {port} on 127.0.0.1 isn't available"),
        (["--port", "0"], "unix:///nonexistent/docker.sock", "no Docker Engine answers"),
        (["--port", "0", "--service-ports", "9-1"], engine.host, "--service-ports 9-1"),
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "localcloud.aws", *arguments],
            cwd=ROOT,
            env={"DOCKER_HOST": host},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 1
        assert ended.stderr.count("\n") == 1
        assert problem in ended.stderr


def test_a_stop_removes_everything(
    engine: docker_engine.DockerEngine, server_binary: bytes, tmp_path: Path
) -> None:
    owner = f"{OWNER}-leaves"
    ports = free_ports(2)
    process, addresses = start_endpoint(
        endpoint_arguments(
            ports=ports,
            owner=owner,
            authority=tmp_path / "ca",
            state=tmp_path / "aws",
            credentials=tmp_path / "aws-credentials",
        ),
        {"DOCKER_HOST": engine.host},
    )
    with docker_client(engine) as client:
        own = AwsEndpoint(
            url=addresses["endpoint"],
            key=AccessKey.load(tmp_path / "aws-credentials"),
            authority=None,  # type: ignore[arg-type] # nothing is requested over TLS here
            docker=client,
            bridge_address=engine.bridge_address,
            process=process,
        )
        own.client("ecr").create_repository(repositoryName="server")
        tag = f"{own.registry}/server:1"
        own.build(tag, server_binary, "leaves")
        _, error = own.push(tag, own.login())
        assert error is None
        client.images.remove(tag)
        role = create_role(
            own,
            "access",
            "build.apprunner.amazonaws.com",
            [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}],
        )
        deployments = Deployments(endpoint=own, image=tag, access_role=role)
        deployments.running("left-alone")
        never = {"Protocol": "HTTP", "Path": "/never"}
        deployments.create("half-way", HealthCheckConfiguration=never)
        labels = [f"{OWNER_LABEL}={owner}", f"{OWNER_LABEL}.instance"]
        eventually(
            lambda: (
                len(client.containers.list(sparse=True, filters={"label": labels})) == len(ports)
            )
        )
        test_a_token_has_the_claims_of_the_trigger(own)
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        stop_endpoint(process)
        _, alive = psutil.wait_procs(children, timeout=5)
        assert alive == []
        label = f"{OWNER_LABEL}={owner}"
        assert client.containers.list(all=True, filters={"label": label}) == []
        assert not [
            name
            for name in docker_engine.image_names(client)
            if name.startswith(f"{own.registry}/")
        ]
    for port in [*ports, int(own.url.rpartition(":")[2])]:
        assert not listens(port)


def test_a_start_removes_containers_of_a_killed_run(
    engine: docker_engine.DockerEngine, server_binary: bytes, tmp_path: Path
) -> None:
    owner = f"{OWNER}-sweeps"
    image = f"{owner}:1"
    ports = free_ports(1)
    with docker_client(engine) as client:
        own = AwsEndpoint(
            url="http://localhost:1",
            key=AccessKey.generate(),
            authority=None,  # type: ignore[arg-type] # nothing is requested over TLS here
            docker=client,
            bridge_address=engine.bridge_address,
            process=None,  # type: ignore[arg-type] # not started yet
        )
        own.build(image, server_binary, "sweeps")
        labels = {OWNER_LABEL: owner, f"{OWNER_LABEL}.instance": "left"}
        left = client.containers.create(image, labels=labels)
        others = client.containers.create(image, labels={**labels, OWNER_LABEL: "another-owner"})
        process, _ = start_endpoint(
            endpoint_arguments(
                ports=ports,
                owner=owner,
                authority=tmp_path / "ca",
                state=tmp_path / "aws",
                credentials=tmp_path / "aws-credentials",
            ),
            {"DOCKER_HOST": engine.host},
        )
        try:
            with pytest.raises(docker.errors.NotFound):
                left.reload()
            others.reload()
        finally:
            stop_endpoint(process)
            others.remove(force=True)
            client.images.remove(image)
