"""Distributions, created with boto3 and called over TLS."""

import concurrent.futures
import contextlib
import dataclasses
import json
import socket
import ssl
import threading
import uuid
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from aws.conftest import AwsEndpoint, eventually
from localcloud.aws.cloudfront.configuration import (
    ALL_VIEWER_EXCEPT_HOST_HEADER,
    CACHING_DISABLED,
)

pytestmark = pytest.mark.stand_in

CODE = """
function handler(event) {
    const request = event.request;
    if (request.uri === '/own') {
        return {
            statusCode: 401,
            statusDescription: 'Unauthorized',
            headers: { 'www-authenticate': { value: 'Bearer' } },
            body: { encoding: 'text', data: request.headers.host.value }
        };
    }
    if (request.uri === '/fails') {
        throw new Error('a secret of the function');
    }
    if (request.uri === '/node') {
        return require('fs');
    }
    request.headers['x-seen'] = { value: 'FIRST' };
    return request;
}
"""


class Origin:
    """An HTTPS server that answers with what it received."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.requests: list[dict[str, Any]] = []
        self.release = threading.Event()
        self.continue_stream = threading.Event()
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                del format, args

            def _answer(self) -> None:
                length = int(self.headers.get("content-length", 0))
                received = {
                    "method": self.command,
                    "path": self.path,
                    "headers": [[name.lower(), value] for name, value in self.headers.items()],
                    "body": self.rfile.read(length).decode(),
                }
                origin.requests.append(received)
                if self.path == "/stream":
                    self._stream()
                    return
                if self.path == "/slow":
                    origin.release.wait(20)
                content = json.dumps(received).encode()
                self.send_response(404 if self.path == "/missing" else 200)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("X-Origin", "yes")
                self.end_headers()
                if self.command != "HEAD":
                    with contextlib.suppress(OSError):
                        self.wfile.write(content)

            def _stream(self) -> None:
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"5\r\nfirst\r\n")
                origin.continue_stream.wait(20)
                self.wfile.write(b"4\r\nlast\r\n0\r\n\r\n")

            do_GET = do_HEAD = do_POST = do_OPTIONS = _answer  # noqa: N815 - the server's names

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def origin(endpoint: AwsEndpoint) -> Iterator[Origin]:
    served = Origin(endpoint.authority.server_context(["localhost"]))
    yield served
    served.close()


def distribution_config(origin_port: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the API
    """Return a DistributionConfig that works, with changes."""
    return {
        "CallerReference": uuid.uuid4().hex,
        "Comment": "",
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "host",
                    "DomainName": "localhost",
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": origin_port,
                        "OriginProtocolPolicy": "https-only",
                        "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
                        "OriginReadTimeout": 10,
                    },
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "host",
            "ViewerProtocolPolicy": "https-only",
            "AllowedMethods": {
                "Quantity": 7,
                "Items": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
                "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
            },
            "CachePolicyId": CACHING_DISABLED,
            "OriginRequestPolicyId": ALL_VIEWER_EXCEPT_HOST_HEADER,
        },
        **changes,
    }


class Distributions:
    """Creates distributions for one test, and deletes them after it."""

    def __init__(self, endpoint: AwsEndpoint) -> None:
        self.client = endpoint.client("cloudfront")
        self._created: list[str] = []

    def create(self, config: Mapping[str, Any]) -> dict[str, Any]:
        created: dict[str, Any] = self.client.create_distribution(DistributionConfig=config)
        self._created.append(created["Distribution"]["Id"])
        return created

    def deployed(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Create a distribution, wait for it, and return it."""
        return self.settled(self.create(config)["Distribution"]["Id"])

    def settled(self, name: str) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            described: dict[str, Any] = self.client.get_distribution(Id=name)["Distribution"]
            return described if described["Status"] == "Deployed" else None

        settled: dict[str, Any] = eventually(found)
        return settled

    def update(self, name: str, **changes: Any) -> None:  # noqa: ANN401 - members of the API
        current = self.client.get_distribution_config(Id=name)
        config = {**current["DistributionConfig"], **changes}
        self.client.update_distribution(Id=name, IfMatch=current["ETag"], DistributionConfig=config)

    def clean_up(self) -> None:
        for name in self._created:
            with contextlib.suppress(self.client.exceptions.NoSuchDistribution):
                self.update(name, Enabled=False)
                self.settled(name)
                etag = self.client.get_distribution(Id=name)["ETag"]
                self.client.delete_distribution(Id=name, IfMatch=etag)


@pytest.fixture
def distributions(endpoint: AwsEndpoint) -> Iterator[Distributions]:
    created = Distributions(endpoint)
    yield created
    created.clean_up()


@pytest.fixture
def caller(endpoint: AwsEndpoint) -> Iterator[httpx.Client]:
    with httpx.Client(verify=endpoint.tls(), timeout=30) as client:
        yield client


@pytest.fixture
def function(endpoint: AwsEndpoint) -> str:
    """A published function's ARN."""
    client = endpoint.client("cloudfront")
    name = f"function-{uuid.uuid4().hex}"
    created = client.create_function(
        Name=name,
        FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"},
        FunctionCode=CODE.encode(),
    )
    client.publish_function(Name=name, IfMatch=created["ETag"])
    return str(created["FunctionSummary"]["FunctionMetadata"]["FunctionARN"])


def with_function(config: dict[str, Any], arn: str) -> dict[str, Any]:
    association = {"FunctionARN": arn, "EventType": "viewer-request"}
    behavior = {
        **config["DefaultCacheBehavior"],
        "FunctionAssociations": {"Quantity": 1, "Items": [association]},
    }
    return {**config, "DefaultCacheBehavior": behavior}


def url(distribution: Mapping[str, Any], path: str = "/mcp") -> str:
    return f"https://{distribution['DomainName']}{path}"


def refused(call: Any, **parameters: Any) -> str:  # noqa: ANN401 - boto3 creates its clients at run time
    """Return the error code of a call that is refused."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return str(error.value.response["Error"]["Code"])


def test_a_request_reaches_the_origin_with_its_headers(
    distributions: Distributions, origin: Origin, caller: httpx.Client
) -> None:
    distribution = distributions.deployed(distribution_config(origin.port))

    response = caller.post(
        url(distribution, "/mcp?a=%2F&a=2"),
        headers={
            "Authorization": "Bearer t",
            "X-Forwarded-For": "192.0.2.1",
            "X-Forwarded-Proto": "http",
            "Cookie": "a=1",
        },
        content=b"{}",
    )

    received = response.json()
    headers = dict(received["headers"])
    assert (received["method"], received["path"]) == ("POST", "/mcp?a=%2F&a=2")
    assert received["body"] == "{}"
    assert headers["authorization"] == "Bearer t"
    assert headers["cookie"] == "a=1"
    assert headers["host"] == f"localhost:{origin.port}"
    assert headers["x-forwarded-for"] == "192.0.2.1, 127.0.0.1"
    assert "x-forwarded-proto" not in headers
    assert headers["via"].endswith(".cloudfront.net (CloudFront)")
    assert response.headers["x-cache"] == "Miss from cloudfront"
    assert response.headers["x-origin"] == "yes"
    assert response.headers["x-amz-cf-id"] == headers["x-amz-cf-id"]


def test_bodies_are_streamed(
    distributions: Distributions, origin: Origin, caller: httpx.Client
) -> None:
    distribution = distributions.deployed(distribution_config(origin.port))

    with caller.stream("GET", url(distribution, "/stream")) as response:
        chunks = response.iter_raw()
        # The origin sends the rest only now.
        assert next(chunks) == b"first"
        origin.continue_stream.set()
        assert b"".join(chunks) == b"last"
    large = "a" * 300_000
    assert caller.post(url(distribution), content=large).json()["body"] == large
    head = caller.head(url(distribution))
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 0


def test_an_error_of_the_origin_is_passed_on(
    distributions: Distributions, origin: Origin, caller: httpx.Client
) -> None:
    distribution = distributions.deployed(distribution_config(origin.port))

    response = caller.get(url(distribution, "/missing"))

    assert response.status_code == 404
    assert response.json()["path"] == "/missing"
    assert response.headers["x-cache"] == "Error from cloudfront"


def test_the_function_answers_or_changes_the_request(
    distributions: Distributions, origin: Origin, caller: httpx.Client, function: str
) -> None:
    distribution = distributions.deployed(with_function(distribution_config(origin.port), function))
    seen = len(origin.requests)

    own = caller.get(url(distribution, "/own"))

    assert (own.status_code, own.text) == (401, distribution["DomainName"])
    assert own.headers["www-authenticate"] == "Bearer"
    assert own.headers["x-cache"] == "FunctionGeneratedResponse from cloudfront"
    for path in ("/fails", "/node"):
        failed = caller.get(url(distribution, path))
        assert failed.status_code == 503
        assert "secret" not in failed.text
    assert len(origin.requests) == seen
    passed = caller.get(url(distribution)).json()
    assert ["x-seen", "FIRST"] in passed["headers"]


def test_another_host_name_reaches_no_distribution(
    distributions: Distributions, origin: Origin, caller: httpx.Client
) -> None:
    distribution = distributions.deployed(distribution_config(origin.port))

    response = caller.get(url(distribution), headers={"Host": "mcp.example.com"})

    assert response.status_code == 403


def test_plain_http_is_forbidden(
    distributions: Distributions, origin: Origin, caller: httpx.Client
) -> None:
    distribution = distributions.deployed(distribution_config(origin.port))

    response = caller.get(f"http://{distribution['DomainName']}/mcp")

    assert response.status_code == 403
    assert "must use HTTPS" in response.text
    assert caller.get(url(distribution)).status_code == 200


def test_an_alias_has_its_own_certificate(
    endpoint: AwsEndpoint, distributions: Distributions, origin: Origin
) -> None:
    acm = endpoint.client("acm")
    arn = acm.request_certificate(DomainName="*.example.com", ValidationMethod="DNS")
    certificate = {
        "ACMCertificateArn": arn["CertificateArn"],
        "SSLSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    aliases = {"Quantity": 1, "Items": ["mcp.example.com"]}
    config = distribution_config(origin.port, Aliases=aliases, ViewerCertificate=certificate)
    distribution = distributions.deployed(config)

    def status(name: str) -> int:
        port = int(distribution["DomainName"].rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
            endpoint.tls().wrap_socket(plain, server_hostname=name) as connection,
        ):
            connection.sendall(f"GET /mcp HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            return int(connection.recv(64).split()[1])

    assert status("mcp.example.com") == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        status("other.example.com")
    uncovered = {"Quantity": 1, "Items": ["a.mcp.example.com"]}
    config = distribution_config(443, Aliases=uncovered, ViewerCertificate=certificate)
    assert refused(distributions.create, config=config) == "InvalidViewerCertificate"
    config = distribution_config(443, Aliases=aliases, ViewerCertificate=certificate)
    assert refused(distributions.create, config=config) == "CNAMEAlreadyExists"


@dataclasses.dataclass(frozen=True, kw_only=True)
class InternalLoadBalancer:
    """A load balancer without targets, at the port 80."""

    arn: str
    name: str


@pytest.fixture
def load_balancer(endpoint: AwsEndpoint) -> Iterator[InternalLoadBalancer]:
    ec2, elb = endpoint.client("ec2"), endpoint.client("elbv2")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])
    (created,) = elb.create_load_balancer(
        Name="internal",
        Scheme="internal",
        Subnets=[subnet["SubnetId"] for subnet in subnets["Subnets"]],
    )["LoadBalancers"]
    arn = created["LoadBalancerArn"]
    (group,) = elb.create_target_group(
        Name="internal", Protocol="HTTP", Port=8080, VpcId=vpc["VpcId"], TargetType="ip"
    )["TargetGroups"]
    elb.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )

    def is_active() -> bool:
        (found,) = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
        return bool(found["State"]["Code"] == "active")

    eventually(is_active)
    yield InternalLoadBalancer(arn=arn, name=created["DNSName"])
    elb.delete_load_balancer(LoadBalancerArn=arn)
    elb.delete_target_group(TargetGroupArn=group["TargetGroupArn"])


def endpoint_config(arn: str, **changes: object) -> dict[str, Any]:
    return {
        "Name": "vpc-origin",
        "Arn": arn,
        "HTTPPort": 80,
        "HTTPSPort": 443,
        "OriginProtocolPolicy": "http-only",
        **changes,
    }


def test_a_vpc_origin_reaches_an_internal_load_balancer(
    distributions: Distributions, load_balancer: InternalLoadBalancer, caller: httpx.Client
) -> None:
    client = distributions.client
    config = endpoint_config(load_balancer.arn)
    created = client.create_vpc_origin(VpcOriginEndpointConfig=config)["VpcOrigin"]
    name = created["Id"]

    def current() -> dict[str, Any]:
        found: dict[str, Any] = client.get_vpc_origin(Id=name)
        return found

    eventually(lambda: current()["VpcOrigin"]["Status"] == "Deployed")
    origin = {
        "Id": "host",
        "DomainName": load_balancer.name,
        "VpcOriginConfig": {"VpcOriginId": name, "OriginReadTimeout": 10},
    }
    origins = {"Quantity": 1, "Items": [origin]}
    distribution = distributions.deployed(distribution_config(443, Origins=origins))

    # The load balancer's own response without targets; for another Host, it would be a 403.
    assert caller.get(url(distribution)).status_code == 503

    changed = endpoint_config(load_balancer.arn, HTTPPort=8080)
    in_use = refused(
        client.update_vpc_origin,
        Id=name,
        IfMatch=current()["ETag"],
        VpcOriginEndpointConfig=changed,
    )
    assert in_use == "CannotUpdateEntityWhileInUse"
    deletion = {"Id": name, "IfMatch": current()["ETag"]}
    assert refused(client.delete_vpc_origin, **deletion) == "CannotDeleteEntityWhileInUse"
    distributions.update(distribution["Id"], Origins=distribution_config(443)["Origins"])
    client.delete_vpc_origin(**deletion)
    assert refused(client.get_vpc_origin, Id=name) == "EntityNotFound"


def deliver(endpoint: AwsEndpoint, name: str, resource_arn: str, log_type: str) -> str:
    """Deliver a resource's access log to a new log group, and return the delivery's id."""
    logs = endpoint.client("logs")
    logs.create_log_group(logGroupName=name)
    group = f"arn:aws:logs:us-east-1:000000000000:log-group:{name}"
    logs.put_delivery_source(name=name, resourceArn=resource_arn, logType=log_type)
    destination = logs.put_delivery_destination(
        name=name,
        outputFormat="json",
        deliveryDestinationConfiguration={"destinationResourceArn": group},
    )["deliveryDestination"]["arn"]
    created = logs.create_delivery(deliverySourceName=name, deliveryDestinationArn=destination)
    return str(created["delivery"]["id"])


def test_access_logs_are_delivered_to_log_groups(
    endpoint: AwsEndpoint,
    distributions: Distributions,
    load_balancer: InternalLoadBalancer,
    caller: httpx.Client,
) -> None:
    client, logs = distributions.client, endpoint.client("logs")
    created = client.create_vpc_origin(
        VpcOriginEndpointConfig=endpoint_config(load_balancer.arn, Name="logged")
    )["VpcOrigin"]
    eventually(lambda: client.get_vpc_origin(Id=created["Id"])["VpcOrigin"]["Status"] == "Deployed")
    origin = {
        "Id": "host",
        "DomainName": load_balancer.name,
        "VpcOriginConfig": {"VpcOriginId": created["Id"], "OriginReadTimeout": 10},
    }
    origins = {"Quantity": 1, "Items": [origin]}
    distribution = distributions.deployed(distribution_config(443, Origins=origins))
    deliveries = {
        "edge-log": deliver(endpoint, "edge-log", distribution["ARN"], "ACCESS_LOGS"),
        "lb-log": deliver(endpoint, "lb-log", load_balancer.arn, "ALB_ACCESS_LOGS"),
    }

    headers = {"User-Agent": "agent/1", "Authorization": "Bearer secret-token"}
    assert caller.post(url(distribution, "/mcp?a=1"), headers=headers).status_code == 503

    def entries(group: str) -> list[dict[str, str]]:
        events = logs.filter_log_events(logGroupName=group)["events"]
        assert not [each for each in events if "secret-token" in each["message"]]
        return [json.loads(each["message"]) for each in events]

    (at_the_edge,) = eventually(lambda: entries("edge-log"))
    assert (at_the_edge["cs-method"], at_the_edge["cs-uri-stem"]) == ("POST", "/mcp")
    assert (at_the_edge["cs-uri-query"], at_the_edge["sc-status"]) == ("a=1", "503")
    assert (at_the_edge["cs-protocol"], at_the_edge["cs(User-Agent)"]) == ("https", "agent/1")
    (at_the_load_balancer,) = eventually(lambda: entries("lb-log"))
    assert at_the_load_balancer["request_line"].startswith("POST http://")
    assert at_the_load_balancer["elb_status_code"] == "503"

    # A delivery goes before what it connects, and each resource has one source.
    assert refused(logs.delete_delivery_source, name="lb-log") == "ConflictException"
    assert refused(logs.delete_delivery_destination, name="lb-log") == "ConflictException"
    second = {"name": "second", "resourceArn": load_balancer.arn, "logType": "ALB_ACCESS_LOGS"}
    assert refused(logs.put_delivery_source, **second) == "ConflictException"
    for name, delivery in deliveries.items():
        logs.delete_delivery(id=delivery)
        logs.delete_delivery_source(name=name)
        logs.delete_delivery_destination(name=name)
        logs.delete_log_group(logGroupName=name)
    distributions.update(distribution["Id"], Origins=distribution_config(443)["Origins"])
    client.delete_vpc_origin(
        Id=created["Id"], IfMatch=client.get_vpc_origin(Id=created["Id"])["ETag"]
    )


@pytest.mark.parametrize(
    ("resource_arn", "log_type", "code"),
    [
        (
            "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/none/0",
            "ALB_ACCESS_LOGS",
            "ResourceNotFoundException",
        ),
        (
            "arn:aws:cloudfront::000000000000:distribution/ENONE",
            "ACCESS_LOGS",
            "ResourceNotFoundException",
        ),
        (
            "arn:aws:cloudfront::000000000000:distribution/ENONE",
            "ALB_ACCESS_LOGS",
            "ValidationException",
        ),
        (
            "arn:aws:apprunner:us-east-1:000000000000:service/a/0",
            "ACCESS_LOGS",
            "ValidationException",
        ),
    ],
)
def test_what_sends_no_access_log_is_no_source(
    endpoint: AwsEndpoint, resource_arn: str, log_type: str, code: str
) -> None:
    put = endpoint.client("logs").put_delivery_source
    assert refused(put, name="none", resourceArn=resource_arn, logType=log_type) == code


def test_a_vpc_origin_needs_its_load_balancer(
    endpoint: AwsEndpoint, load_balancer: InternalLoadBalancer
) -> None:
    create = endpoint.client("cloudfront").create_vpc_origin
    https = endpoint_config(load_balancer.arn, OriginProtocolPolicy="https-only")

    for config in (endpoint_config(f"{load_balancer.arn}0"), https):
        assert refused(create, VpcOriginEndpointConfig=config) == "InvalidArgument"


def test_methods_that_are_not_allowed_are_forbidden(
    distributions: Distributions, origin: Origin, caller: httpx.Client
) -> None:
    config = distribution_config(origin.port)
    config["DefaultCacheBehavior"]["AllowedMethods"] = {
        "Quantity": 2,
        "Items": ["GET", "HEAD"],
        "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
    }
    distribution = distributions.deployed(config)

    assert caller.post(url(distribution)).status_code == 403
    assert caller.get(url(distribution)).status_code == 200
    with_body = caller.request("GET", url(distribution), content=b"a")
    assert with_body.status_code == 403


def test_an_origin_that_does_not_answer_in_time_is_a_504(
    distributions: Distributions, origin: Origin, caller: httpx.Client
) -> None:
    config = distribution_config(origin.port)
    config["Origins"]["Items"][0]["CustomOriginConfig"]["OriginReadTimeout"] = 1
    distribution = distributions.deployed(config)
    before = len(origin.requests)

    assert caller.post(url(distribution, "/slow")).status_code == 504
    # It isn't repeated.
    assert len(origin.requests) == before + 1


def test_an_origin_that_can_not_be_trusted_or_reached_is_a_502(
    endpoint: AwsEndpoint, distributions: Distributions, caller: httpx.Client
) -> None:
    other = Origin(endpoint.authority.server_context(["other.example.com"]))
    with contextlib.closing(other), socket.create_server(("127.0.0.1", 0)) as closed:
        unreachable = closed.getsockname()[1]
        closed.close()
        mistrusted = distributions.deployed(distribution_config(other.port))
        nothing = distributions.deployed(distribution_config(unreachable))

        assert caller.get(url(mistrusted)).status_code == 502
        assert caller.get(url(nothing)).status_code == 502
        assert other.requests == []


def test_long_requests_are_refused(
    distributions: Distributions, origin: Origin, caller: httpx.Client
) -> None:
    distribution = distributions.deployed(distribution_config(origin.port))

    assert caller.get(url(distribution), headers={"X-Long": "a" * 20_000}).status_code == 200
    assert caller.get(url(distribution), headers={"X-Long": "a" * 20_480}).status_code == 413
    assert caller.get(url(distribution, f"/{'a' * 8192}")).status_code == 413


def test_an_update_takes_effect_without_a_failed_call(
    endpoint: AwsEndpoint,
    distributions: Distributions,
    origin: Origin,
    caller: httpx.Client,
    function: str,
) -> None:
    distribution = distributions.deployed(with_function(distribution_config(origin.port), function))
    client = endpoint.client("cloudfront")
    name = function.rpartition("/")[2]
    stop = threading.Event()

    def call() -> list[httpx.Response]:
        responses = []
        with httpx.Client(verify=endpoint.tls(), timeout=30) as own:
            while not stop.is_set():
                responses.append(own.get(url(distribution)))
        return responses

    with concurrent.futures.ThreadPoolExecutor() as pool:
        calls = pool.submit(call)
        try:
            distributions.update(distribution["Id"], Comment="changed")
            distributions.settled(distribution["Id"])
            current = client.describe_function(Name=name)
            updated = client.update_function(
                Name=name,
                IfMatch=current["ETag"],
                FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"},
                FunctionCode=CODE.replace("FIRST", "SECOND").encode(),
            )
            # Only a published function is used.
            assert "SECOND" not in caller.get(url(distribution)).text
            etag = client.describe_function(Name=name)["ETag"]
            assert updated["FunctionSummary"]["Status"] == "UNPUBLISHED"
            client.publish_function(Name=name, IfMatch=etag)
            eventually(lambda: "SECOND" in caller.get(url(distribution)).text)
        finally:
            stop.set()
        responses = calls.result()
    assert {response.status_code for response in responses} == {200}
    assert len(responses) > 1


def test_only_a_disabled_distribution_can_be_deleted(
    distributions: Distributions, origin: Origin, caller: httpx.Client
) -> None:
    client = distributions.client
    distribution = distributions.deployed(distribution_config(origin.port))
    name = distribution["Id"]

    def etag() -> str:
        return str(client.get_distribution(Id=name)["ETag"])

    delete = client.delete_distribution
    assert refused(delete, Id=name, IfMatch=etag()) == "DistributionNotDisabled"
    distributions.update(name, Enabled=False)
    distributions.settled(name)
    assert caller.get(url(distribution)).status_code == 403
    assert refused(delete, Id=name) == "InvalidIfMatchVersion"
    assert refused(delete, Id=name, IfMatch="E2QWRUHEXAMPLE") == "PreconditionFailed"
    delete(Id=name, IfMatch=etag())
    assert refused(client.get_distribution, Id=name) == "NoSuchDistribution"
    with pytest.raises(httpx.ConnectError):
        caller.get(url(distribution))


def test_a_function_in_use_can_not_be_deleted(
    endpoint: AwsEndpoint, distributions: Distributions, origin: Origin, function: str
) -> None:
    client = endpoint.client("cloudfront")
    name = function.rpartition("/")[2]
    assert client.describe_function(Name=name)["FunctionSummary"]["Status"] == "UNASSOCIATED"
    created = distributions.deployed(with_function(distribution_config(origin.port), function))
    etag = client.describe_function(Name=name)["ETag"]

    assert refused(client.delete_function, Name=name, IfMatch=etag) == "FunctionInUse"
    none = {"Quantity": 0}
    behavior = {**created["DistributionConfig"]["DefaultCacheBehavior"]}
    distributions.update(
        created["Id"], DefaultCacheBehavior={**behavior, "FunctionAssociations": none}
    )
    client.delete_function(Name=name, IfMatch=etag)
    assert refused(client.describe_function, Name=name) == "NoSuchFunctionExists"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"WebACLId": "arn:aws:wafv2:us-east-1:000000000000:global/webacl/a/b"}, "InvalidWebACLId"),
        ({"Aliases": {"Quantity": 1, "Items": ["mcp.example.com"]}}, "InvalidViewerCertificate"),
        ({"Aliases": {"Quantity": 2, "Items": ["mcp.example.com"]}}, "InconsistentQuantities"),
        ({"DefaultRootObject": "index.html"}, "InvalidArgument"),
        ({"Comment": None}, "MalformedXML"),
    ],
)
def test_a_configuration_that_can_not_be_is_refused(
    distributions: Distributions, change: Mapping[str, Any], code: str
) -> None:
    config = distribution_config(443, **change)
    config = {name: value for name, value in config.items() if value is not None}

    assert refused(distributions.create, config=config) == code


def test_the_same_caller_reference_creates_one_distribution(distributions: Distributions) -> None:
    config = distribution_config(443)
    first = distributions.create(config)["Distribution"]

    assert distributions.create(config)["Distribution"]["Id"] == first["Id"]
    other = {**config, "Comment": "another"}
    assert refused(distributions.create, config=other) == "DistributionAlreadyExists"


def test_tags_are_listed_and_changed(
    endpoint: AwsEndpoint, distributions: Distributions, function: str
) -> None:
    client = endpoint.client("cloudfront")
    arn = distributions.create(distribution_config(443))["Distribution"]["ARN"]

    for resource in (arn, function):
        client.tag_resource(
            Resource=resource,
            Tags={"Items": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]},
        )
        client.untag_resource(Resource=resource, TagKeys={"Items": ["a"]})
        tags = client.list_tags_for_resource(Resource=resource)["Tags"]["Items"]
        assert tags == [{"Key": "b", "Value": "2"}]


def test_lists_have_what_was_created(
    endpoint: AwsEndpoint, distributions: Distributions, function: str
) -> None:
    client = endpoint.client("cloudfront")
    created = distributions.create(distribution_config(443))["Distribution"]

    listed = client.list_distributions()["DistributionList"]["Items"]
    assert created["Id"] in [each["Id"] for each in listed]
    functions = client.list_functions(Stage="LIVE")["FunctionList"]["Items"]
    arns = [each["FunctionMetadata"]["FunctionARN"] for each in functions]
    assert function in arns


def test_an_unsigned_request_is_refused_in_the_services_protocol(endpoint: AwsEndpoint) -> None:
    response = httpx.get(f"{endpoint.url}/2020-05-31/distribution")

    assert response.status_code == 403
    assert "<Code>MissingAuthenticationToken</Code>" in response.text


def web_acl_rules(limit: int, **block: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - members of the API
    visibility = {
        "SampledRequestsEnabled": False,
        "CloudWatchMetricsEnabled": True,
        "MetricName": "rate",
    }
    statement = {"Limit": limit, "EvaluationWindowSec": 60, "AggregateKeyType": "IP"}
    return [
        {
            "Name": "rate",
            "Priority": 0,
            "Action": {"Block": block},
            "Statement": {"RateBasedStatement": statement},
            "VisibilityConfig": visibility,
        }
    ]


def test_a_web_acl_limits_the_requests_of_an_address(
    endpoint: AwsEndpoint, distributions: Distributions, origin: Origin, caller: httpx.Client
) -> None:
    waf = endpoint.client("wafv2")
    rules = web_acl_rules(10, CustomResponse={"ResponseCode": 429})
    created = waf.create_web_acl(
        Name="limit",
        Scope="CLOUDFRONT",
        DefaultAction={"Allow": {}},
        Rules=rules,
        VisibilityConfig=rules[0]["VisibilityConfig"],
    )["Summary"]
    config = distribution_config(origin.port, WebACLId=created["ARN"])
    distribution = distributions.deployed(config)

    statuses = []

    def limited() -> bool:
        statuses.append(caller.get(url(distribution)).status_code)
        return statuses[-1] == 429

    eventually(limited)
    assert statuses[:10] == [200] * 10

    names = {"Name": "limit", "Scope": "CLOUDFRONT", "Id": created["Id"]}
    deletion = {**names, "LockToken": created["LockToken"]}
    assert refused(waf.delete_web_acl, **deletion) == "WAFAssociatedItemException"
    distributions.update(distribution["Id"], WebACLId="")
    distributions.settled(distribution["Id"])
    assert caller.get(url(distribution)).status_code == 200
    waf.delete_web_acl(**deletion)
    assert refused(waf.get_web_acl, **names) == "WAFNonexistentItemException"
