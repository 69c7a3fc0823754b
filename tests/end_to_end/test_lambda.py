"""The stack on Lambda: the same program, clients and database as on App Runner."""

import concurrent.futures
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest
import yaml

from automation.checks import CHECKS
from automation.checks.runner import run as run_checks
from automation.deployment import Deployment
from automation.hosting.environments import environments
from automation.starts import measure_starts, require_function
from automation.target import checked_context
from components.hosting.lambda_.definition import ALIAS
from demo.stand_in import read_credentials
from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK
from neo4j_mcp_client import Neo4jMcp, TimeLimitError, ToolError
from neo4j_mcp_client.doctor import faults, probes
from neo4j_mcp_client.doctor.hosts import service_at
from neo4j_mcp_client.doctor.judging import Failed, Passed, Verdict, judge_health
from tests.stand_in import Aws

pytestmark = pytest.mark.stand_in

_PROCESS = "neo4j-mcp-server"
_AT_ONCE = 6
# Long enough for calls to overlap.
_BUSY = "UNWIND range(1, 300000) AS n RETURN sum(n) AS total"


@dataclass(kw_only=True)
class OnLambda:
    """The stack while it is on Lambda.

    Attributes:
        before: its outputs on App Runner.
        outputs: its outputs on Lambda.
    """

    running: Cloud
    deployment: Deployment
    settings: Path
    aws: Aws
    before: Mapping[str, Any]
    outputs: Mapping[str, Any]

    def deploy(self, **settings: object) -> None:
        """Change settings, and deploy."""
        stack = yaml.safe_load(self.settings.read_text(encoding="utf-8"))
        stack["config"] |= {f"neo4j-mcp:{key}": value for key, value in settings.items()}
        self.settings.write_text(yaml.safe_dump(stack), encoding="utf-8")
        self.outputs = self.deployment.up().outputs

    def client(self, name: str) -> Neo4jMcp:
        """Return a client with its credentials from its secret."""
        credentials = read_credentials(self.running, self.outputs["clients"][name]["secretArn"])
        bundle = str(Home(self.running.home).certificate_bundle)
        return Neo4jMcp(str(credentials.mcp_url), credentials, ca_bundle=bundle)

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(Home(self.running.home).certificate_bundle))

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(self.outputs["serviceUrl"] + path, verify=self.tls(), timeout=60)

    def diagnose(self) -> Verdict:
        """Judge the service's health as the client's doctor does."""
        bundle = str(Home(self.running.home).certificate_bundle)
        url = self.outputs["serviceUrl"]
        health = probes.health(url, ca_bundle=bundle)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.running.environment().items():
                patch.setenv(name, value)
            found = service_at(
                {urlsplit(url).netloc},
                secret_arn=self.outputs["clients"]["reader"]["secretArn"],
                profile=None,
                endpoint_url=self.running.aws_endpoint,
            )
        assert found is not None
        return judge_health(replace(health, service=found))

    def servers(self) -> list[psutil.Process]:
        """Find the server's processes of this stand-in."""
        return [
            each
            for each in psutil.process_iter(["name", "environ"])
            if each.info["name"] == _PROCESS
            and str(self.running.home) in (each.info["environ"] or {}).get("SSL_CERT_FILE", "")
        ]


@pytest.fixture(scope="module")
def stack(
    running: Cloud, deployed: Deployment, outputs: dict[str, Any], aws: Aws
) -> Iterator[OnLambda]:
    settings = Home(running.home).workspace / f"Pulumi.{STACK}.yaml"
    original = settings.read_text(encoding="utf-8")
    stack = OnLambda(
        running=running,
        deployment=deployed,
        settings=settings,
        aws=aws,
        before=outputs,
        outputs=outputs,
    )
    try:
        stack.deploy(
            hosting="lambda",
            # The function's process runs on this machine, not in a container.
            neo4jUri=running.bolt_uri,
            memory=1024,
            # Checks call at the same time, and each call occupies an environment.
            maxInstances=50,
            cpu="",
            minInstances="",
            healthCheck={},
        )
        yield stack
    finally:
        settings.write_text(original, encoding="utf-8")
        deployed.up()


def test_identity_and_clients_stay_and_the_address_changes(stack: OnLambda) -> None:
    changing = {"serviceUrl", "mcpUrl", "imageDigest", "codeSha256"}

    assert {name: value for name, value in stack.outputs.items() if name not in changing} == {
        name: value for name, value in stack.before.items() if name not in changing
    }
    assert stack.outputs["serviceUrl"] != stack.before["serviceUrl"]
    assert "imageDigest" not in stack.outputs
    (function,) = [
        each
        for each in stack.aws("lambda").list_functions()["Functions"]
        if each["FunctionName"].endswith("-function")
    ]
    assert function["CodeSha256"] == stack.outputs["codeSha256"]


@pytest.mark.slow
def test_a_second_deployment_changes_nothing(stack: OnLambda) -> None:
    assert stack.deployment.preview().resources == {}
    assert stack.deployment.refresh().resources == {}


def test_each_client_reads_rows(stack: OnLambda) -> None:
    for name in stack.outputs["clients"]:
        with stack.client(name) as neo4j:
            assert neo4j.read("RETURN 40 + 2 AS answer") == [{"answer": 42}]


def test_the_health_check_answers_and_a_call_without_a_token_does_not(stack: OnLambda) -> None:
    assert stack.get("/healthz").json() == {"status": "ok"}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get-schema"}}

    refused = httpx2.post(stack.outputs["mcpUrl"], json=call, verify=stack.tls(), timeout=60)

    assert refused.status_code == 401
    challenge = refused.headers["x-amzn-remapped-www-authenticate"]
    assert challenge.count("realm=") == 2
    assert "Bearer" in challenge


@pytest.mark.slow
def test_a_result_over_lambdas_limit_is_an_error_that_says_what_to_do(stack: OnLambda) -> None:
    with stack.client("reader") as neo4j:
        with pytest.raises(ToolError, match="AWS Lambda returns at most 6 MB"):
            neo4j.read("UNWIND range(1, 700000) AS n RETURN n, 'abcdefgh' AS text")
        assert neo4j.read("RETURN 1 AS one") == [{"one": 1}]


@pytest.mark.slow
def test_a_query_beyond_sixty_seconds_is_a_time_limit(stack: OnLambda) -> None:
    with stack.client("reader") as neo4j:
        with pytest.raises(TimeLimitError, match="60 s") as raised:
            neo4j.read("CALL apoc.util.sleep(61000) RETURN 1 AS one")
        assert raised.value.limit == 60
        assert neo4j.read("RETURN 1 AS one") == [{"one": 1}]


def test_a_killed_server_is_replaced_and_no_later_call_fails(stack: OnLambda) -> None:
    with stack.client("reader") as neo4j:
        neo4j.read("RETURN 1 AS one")
        servers = stack.servers()
        assert servers
        for server in servers:
            server.kill()
        psutil.wait_procs(servers, timeout=10)

        assert neo4j.read("RETURN 1 AS one") == [{"one": 1}]


def test_an_environment_has_one_connection_to_the_database(stack: OnLambda) -> None:
    port = int(stack.running.bolt_uri.rpartition(":")[2])
    with stack.client("reader") as neo4j, concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        neo4j.read("RETURN 1 AS one")
        list(pool.map(lambda _: neo4j.read(_BUSY), range(2 * _AT_ONCE)))

    used = [
        sum(
            each.status == psutil.CONN_ESTABLISHED and each.raddr.port == port
            for each in server.net_connections("tcp")
        )
        for server in stack.servers()
    ]
    assert len(used) > 1
    assert set(used) == {1}


def test_the_doctor_names_a_function_that_may_not_run(stack: OnLambda) -> None:
    client, name = stack.aws("lambda"), "neo4j-mcp-local-function"
    reserved = client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        verdict = stack.diagnose()
    finally:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)

    assert isinstance(verdict, Failed)
    assert verdict.fault is faults.FUNCTION_PAUSED
    assert f":function:{name} is Active" in verdict.seen
    assert isinstance(stack.diagnose(), Passed)


@pytest.mark.slow
def test_the_doctor_names_a_function_url_without_its_permissions(stack: OnLambda) -> None:
    client, name = stack.aws("lambda"), "neo4j-mcp-local-function"
    policy = json.loads(client.get_policy(FunctionName=name, Qualifier=ALIAS)["Policy"])
    statements = [each["Sid"] for each in policy["Statement"]]
    for statement in statements:
        client.remove_permission(FunctionName=name, Qualifier=ALIAS, StatementId=statement)
    try:
        verdict = stack.diagnose()
    finally:
        stack.deployment.refresh()
        stack.deployment.up()

    assert isinstance(verdict, Failed)
    assert verdict.fault is faults.FUNCTION_URL_FORBIDDEN
    assert isinstance(stack.diagnose(), Passed)


@dataclass
class Traffic:
    """Calls one after the other until it is stopped."""

    client: Neo4jMcp
    succeeded: int = 0
    failures: list[Exception] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(120)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.client.read("RETURN 1 AS one")
            except Exception as error:  # noqa: BLE001 - each failure is a finding
                self.failures.append(error)
            else:
                self.succeeded += 1


@pytest.mark.slow
def test_no_call_fails_while_the_function_is_changed(stack: OnLambda) -> None:
    with stack.client("reader") as neo4j, Traffic(neo4j) as traffic:
        stack.deploy(logLevel="debug", memory=512)

    assert traffic.failures == []
    assert traffic.succeeded


@pytest.mark.slow
def test_the_first_and_the_further_calls_are_measured(
    stack: OnLambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but what `make env` prints.
    for name, value in stack.running.environment().items():
        monkeypatch.setenv(name, value)
    context = checked_context(stack.deployment, STACK, longest_wait=0.0, interleavings=0)
    require_function(context)

    found = measure_starts(context, starts=2, calls=5)

    print(found.summary())  # noqa: T201  the measurement itself
    assert (len(found.cold), len(found.warm)) == (2, 10)


def test_a_server_can_be_called_without_lambda(stack: OnLambda) -> None:
    stack.get("/healthz")
    with environments("neo4j-mcp-local-function", stack.running.aws_endpoint) as instances:
        addresses = [each.address for each in instances.running()]
    assert {httpx2.get(f"{each}/healthz").status_code for each in addresses} == {200}


@pytest.mark.slow
def test_a_vpc_and_tracing_are_added_and_removed(stack: OnLambda) -> None:
    ec2, name = stack.aws("ec2"), "neo4j-mcp-local-function"
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
    inside = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    subnets = sorted(each["SubnetId"] for each in ec2.describe_subnets(Filters=inside)["Subnets"])
    groups = [
        each["GroupId"] for each in ec2.describe_security_groups(Filters=inside)["SecurityGroups"]
    ]

    def described() -> tuple[list[str], str, set[str]]:
        function = stack.aws("lambda").get_function_configuration(FunctionName=name)
        role = function["Role"].rpartition("/")[2]
        granted = stack.aws("iam").list_role_policies(RoleName=role)["PolicyNames"]
        connected = sorted((function.get("VpcConfig") or {}).get("SubnetIds", []))
        return connected, function["TracingConfig"]["Mode"], set(granted)

    before = described()
    assert before == ([], "PassThrough", {"write-logs"})
    connection = {"subnetIds": subnets[:2], "securityGroupIds": groups[:1]}
    stack.deploy(vpcConnector=connection, tracing=True)
    assert described() == (subnets[:2], "Active", {"write-logs", "write-traces", "enter-vpc"})
    assert stack.deployment.preview().resources == {}
    stack.deploy(vpcConnector={}, tracing="")
    assert described() == before


def test_no_check_fails(stack: OnLambda, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in stack.running.environment().items():
        monkeypatch.setenv(name, value)
    context = checked_context(stack.deployment, STACK, longest_wait=0.0, interleavings=100)

    results = run_checks(CHECKS.values(), context)

    by_verdict: dict[str, list[str]] = {}
    for each in results:
        by_verdict.setdefault(each.outcome.value, []).append(f"{each.id}: {each.reason}")
    print(by_verdict.get("skipped"))  # noqa: T201  the reasons
    assert by_verdict.get("failed") is None
    assert by_verdict.get("undecided") is None
    assert len(by_verdict["passed"]) >= 30


def test_the_log_group_has_the_lines_of_the_server_and_its_handler(stack: OnLambda) -> None:
    stack.get("/healthz")
    logs = stack.aws("logs")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/neo4j-mcp-local-function-")[
        "logGroups"
    ]
    assert group["retentionInDays"] == 1
    messages = [
        each["message"]
        for each in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ]

    assert any("Starting Neo4j MCP server" in message for message in messages)
    assert any("server started" in message for message in messages)


def test_the_function_has_no_more_permissions_than_its_log(stack: OnLambda) -> None:
    iam = stack.aws("iam")
    (role,) = [
        each["RoleName"]
        for each in iam.list_roles()["Roles"]
        if each["RoleName"].endswith("-local-function")
    ]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    document = document if isinstance(document, dict) else json.loads(document)

    (statement,) = document["Statement"]
    assert set(statement["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
