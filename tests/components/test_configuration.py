import datetime as dt
import json
import random
import re
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from components.configuration import ConfigurationError, load_settings, parse_settings
from components.hosting.apprunner.definition import REGIONS
from components.hosting.apprunner.settings import SIZES, AppRunnerSettings
from components.hosting.definitions import HOST_KEYS
from components.hosting.lambda_.definition import REGIONS_WITHOUT_URLS
from components.hosting.lambda_.settings import LambdaSettings
from components.settings import CommonSettings, Hosting, StackSettings, fields_by_key
from server.releases import RELEASES
from tests.components.authorities import certificate, twice_encoded
from tests.components.aws_models import accepts, shape
from tests.components.mocks import PROJECT, run_program
from tests.components.parsing import parse
from tests.components.properties import briefly

MINIMUM: dict[str, Any] = {
    "neo4jUri": "neo4j+s://0123abcd.databases.neo4j.io",
    "clients": {"agent": {"scopes": ["reader"]}},
}
CERTIFICATE = certificate()


def problems(values: dict[str, Any], stack: str = "dev") -> dict[str, tuple[str, str]]:
    """Each problem's key, with what it says and the command."""
    with pytest.raises(ConfigurationError) as caught:
        parse(values, stack)
    return {each.key: (each.message, each.commands[0]) for each in caught.value.problems}


def test_the_least_configuration_is_legal() -> None:
    settings = parse(MINIMUM)

    assert settings.neo4j_uri == MINIMUM["neo4jUri"]
    assert settings.clients["agent"].scopes == ("reader",)
    assert settings.clients["agent"].token_validity_minutes == 60
    assert {name: scope.role for name, scope in settings.scopes.items()} == {
        "reader": "reader",
        "writer": "publisher",
    }
    assert settings.custom_domain is None
    assert settings.deletion_protection is True


@pytest.mark.parametrize(
    ("values", "key", "says"),
    [
        # The database's address
        ({"neo4jUri": "neo4j://a.example"}, "neo4jUri", "must begin with neo4j+s://"),
        ({"neo4jUri": "neo4j+ssc://a.example"}, "neo4jUri", "must begin with"),
        ({"neo4jUri": "https://a.example"}, "neo4jUri", "must begin with"),
        ({"neo4jUri": "a.example:7687"}, "neo4jUri", "must be a URI"),
        ({"neo4jUri": "neo4j+s://u:pw@a.example"}, "neo4jUri", "must contain no credentials"),
        ({"neo4jUri": "neo4j+s://u@a.example"}, "neo4jUri", "must contain no credentials"),
        ({"neo4jUri": "neo4j+s://"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://a.example:0"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://a.example:99999"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://a b.example"}, "neo4jUri", "must contain no spaces"),
        ({"neo4jUri": "neo4j+s://a.example\n"}, "neo4jUri", "must contain no spaces"),
        ({"neo4jUri": " neo4j+s://a.example"}, "neo4jUri", "must contain no spaces"),
        ({"neo4jUri": "neo4j+s://a\t.example"}, "neo4jUri", "must contain no spaces"),
        ({"neo4jUri": "neo4j+s://a\x00.example"}, "neo4jUri", "must contain no spaces"),
        ({"neo4jUri": "neo4j+s://bücher.example"}, "neo4jUri", "written as xn--"),
        ({"neo4jUri": "neo4j+s://..."}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://a..example"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://a.example."}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://-a.example"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://a_b.example"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": f"neo4j+s://{'a' * 64}.example"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": f"neo4j+s://{'a.' * 126}example"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://256.1.1.1"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://1.2.3"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://[::1"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://[1::2::3]"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://[fe80::1%25eth0]"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://::1"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://a.example:"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://a.example:+7"}, "neo4jUri", "must name a host"),
        ({"neo4jUri": "neo4j+s://a.example?"}, "neo4jUri", "must end after the host"),
        ({"neo4jUri": "neo4j+s://a.example#"}, "neo4jUri", "must end after the host"),
        ({"neo4jUri": "neo4j+s://a.example//"}, "neo4jUri", "must end after the host"),
        ({"neo4jUri": "neo4j+s://a.example/db"}, "neo4jUri", "must end after the host"),
        ({"neo4jUri": "neo4j+s://a.example?x=1"}, "neo4jUri", "must end after the host"),
        ({"neo4jUri": ""}, "neo4jUri", "is missing"),
        ({"neo4jUri": {"host": "a"}}, "neo4jUri", "must be text"),
        ({"neo4jDatabase": "a"}, "neo4jDatabase", "must be a database name"),
        ({"neo4jDatabase": "neo4j\n"}, "neo4jDatabase", "must be a database name"),
        ({"neo4jDatabase": "System"}, "neo4jDatabase", "Neo4j reserves system…"),
        ({"readOnly": "yes"}, "readOnly", "must be true or false"),
        ({"readOnly": "1"}, "readOnly", "must be true or false"),
        # Scopes and clients
        ({"scopes": {}}, "scopes", "must have at least 1 entry"),
        ({"scopes": {"reader": {"description": "x"}}}, "scopes.reader.role", "is missing"),
        (
            {"scopes": {"reader": {"description": "x", "role": ""}}},
            "scopes.reader.role",
            "must be a Neo4j role",
        ),
        (
            {"scopes": {"reader": {"description": "x", "role": "a;b"}}},
            "scopes.reader.role",
            "must be a Neo4j role",
        ),
        (
            {"scopes": {"a/b": {"description": "x", "role": "reader"}}},
            'scopes["a/b"]',
            "must be a scope name",
        ),
        (
            {"scopes": {"reader": {"description": " \t", "role": "reader"}}},
            "scopes.reader.description",
            "a description of one line",
        ),
        (
            {"scopes": {"reader": {"description": "a\rb", "role": "reader"}}},
            "scopes.reader.description",
            "a description of one line",
        ),
        (
            {
                "scopes": {
                    name: {"description": "x", "role": "reader"} for name in ("reader", "Reader")
                }
            },
            "scopes.Reader",
            "differs from the scope reader only in case",
        ),
        ({"scopes": "reader"}, "scopes", "must be an object"),
        ({"clients": {}}, "clients", "is missing"),
        ({"clients": "{" * 100_000}, "clients", "must be an object"),
        ({"clients": {"agent": "reader"}}, "clients.agent", "must be an object"),
        ({"clients": {"agent": {"scopes": "reader"}}}, "clients.agent.scopes", "must be a list"),
        ({"clients": "agent"}, "clients", "must be an object"),
        ({"clients": ["agent"]}, "clients", "must be an object"),
        ({"clients": {"agent": {}}}, "clients.agent.scopes", "is missing"),
        ({"clients": {"agent": {"scopes": []}}}, "clients.agent.scopes", "at least 1 entry"),
        (
            {"clients": {"agent": {"scopes": ["reeder"]}}},
            "clients.agent.scopes[0]",
            "must be a scope of the stack: reader, writer",
        ),
        (
            {"clients": {"agent": {"scopes": ["reader", "reader"]}}},
            "clients.agent.scopes",
            "more than once",
        ),
        (
            {"clients": {"agent": {"scopes": ["reader"], "tokenValidityMinutes": 4}}},
            "clients.agent.tokenValidityMinutes",
            "must be at least 5",
        ),
        (
            {"clients": {"agent": {"scopes": ["reader"], "tokenValidityMinutes": 1441}}},
            "clients.agent.tokenValidityMinutes",
            "must be at most 1440",
        ),
        (
            {"clients": {"agent": {"scopes": ["reader"], "tokenValidityMinutes": True}}},
            "clients.agent.tokenValidityMinutes",
            "must be a whole number",
        ),
        ({"clients": {"Agent": {"scopes": ["reader"]}}}, "clients.Agent", "must be a client name"),
        (
            {"clients": {"agent": {"scopes": ["reader"], "scope": 1}}},
            "clients.agent.scope",
            "is not a configuration key",
        ),
        ({"resourceServerIdentifier": "a b"}, "resourceServerIdentifier", "printable characters"),
        ({"resourceServerIdentifier": "a/"}, "resourceServerIdentifier", "without a / at the end"),
        (
            {"resourceServerIdentifier": "x" * 250},
            "resourceServerIdentifier",
            "makes the full name of scope writer 257 characters long",
        ),
        # The edge
        ({"edgeRequestsPerIp": 100}, "edgeRequestsPerIp", "needs the edge, and edge is false"),
        ({"edge": True, "edgeRequestsPerIp": 9}, "edgeRequestsPerIp", "from 10 to 2000000000"),
        (
            {"edge": True, "edgeRequestsPerIp": 2_000_000_001},
            "edgeRequestsPerIp",
            "from 10 to 2000000000",
        ),
        (
            {
                "edgeDomain": {
                    "name": "mcp.example.com",
                    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0-1",
                }
            },
            "edgeDomain",
            "needs the edge, and edge is false",
        ),
        (
            {"edge": True, "edgeDomain": {"name": "mcp.example.com"}},
            "edgeDomain.certificateArn",
            "is missing",
        ),
        # Logs
        (
            {"accessLogs": True},
            "accessLogs",
            "needs the edge, and edge is false; App Runner writes no access log",
        ),
        (
            {"accessLogs": True, "hosting": "lambda"},
            "accessLogs",
            "Lambda writes no access log for a function URL",
        ),
        (
            {
                "accessLogs": True,
                "edge": True,
                "logKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/0a",
            },
            "logKeyArn",
            "must be a multi-Region key with a replica in us-east-1",
        ),
        # The token endpoint's domain
        ({"cognitoDomainPrefix": "my-aws"}, "cognitoDomainPrefix", "accepts none with 'aws'"),
        ({"cognitoDomainPrefix": "A"}, "cognitoDomainPrefix", "invalid"),
        (
            {
                "cognitoDomainPrefix": "mine",
                "customDomain": {
                    "name": "auth.example.com",
                    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0-1",
                },
            },
            "cognitoDomainPrefix",
            "can't be combined with customDomain",
        ),
        (
            {"customDomain": {"name": "auth.example.com"}},
            "customDomain.certificateArn",
            "is missing",
        ),
        (
            {
                "customDomain": {
                    "name": "auth.example.com",
                    "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/0-1",
                }
            },
            "customDomain.certificateArn",
            "us-east-1",
        ),
        (
            {
                "customDomain": {
                    "name": f"{'a' * 60}.example.com",
                    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0-1",
                }
            },
            "customDomain.name",
            "at most 63 characters",
        ),
        (
            {
                "customDomain": {
                    "name": "auth.example.com",
                    "certificateArn": "arn:aws:acm:us-east-1:١٢٣٤٥٦٧٨٩٠١٢:certificate/0-1",
                }
            },
            "customDomain.certificateArn",
            "ARN of an ACM certificate",
        ),
        (
            {
                "customDomain": {
                    "name": "auth.example.com",
                    "certificateArn": "arn:aws-cn:acm:us-east-1:123456789012:certificate/0-1",
                }
            },
            "customDomain.certificateArn",
            "ARN of an ACM certificate",
        ),
        ({"namePrefix": "aws-graph"}, "cognitoDomainPrefix", "is not set, and namePrefix"),
        ({"userPoolTier": "LITE"}, "userPoolTier", "must be 'ESSENTIALS' or 'PLUS'"),
        # Names
        ({"namePrefix": "Graph"}, "namePrefix", "lower-case letters"),
        ({"namePrefix": "p" * 30}, "namePrefix", "AWS accepts at most"),
        # Sizes
        ({"hosting": "ecs"}, "hosting", "must be 'apprunner', 'lambda' or 'fargate'"),
        ({"architecture": "arm64"}, "architecture", "doesn't apply to hosting apprunner"),
        ({"hosting": "lambda", "cpu": "256"}, "cpu", "doesn't apply to hosting lambda"),
        ({"hosting": "lambda", "healthCheck": {"path": "/"}}, "healthCheck", "of apprunner"),
        ({"hosting": "lambda", "memory": "127"}, "memory", "must be at least 128"),
        ({"hosting": "lambda", "maxInstances": "1001"}, "maxInstances", "must be at most 1000"),
        ({"hosting": "lambda", "architecture": "arm"}, "architecture", "must be 'x86_64' or"),
        ({"cpu": "1000"}, "cpu", "must be one of 256, 512, 1024, 2048, 4096"),
        ({"cpu": "1024", "memory": "512"}, "memory", "must be one of 2048, 3072, 4096 MB"),
        ({"memory": "2 GB"}, "memory", "must be a whole number"),
        ({"memory": "2_048"}, "memory", "must be a whole number"),
        ({"memory": "2048\n"}, "memory", "must be a whole number"),
        ({"memory": "٢٠٤٨"}, "memory", "must be a whole number"),
        ({"memory": [2048]}, "memory", "must be a whole number"),
        ({"memory": "9" * 5000}, "memory", "must be a whole number"),
        ({"minInstances": "0"}, "minInstances", "must be at least 1"),
        ({"maxInstances": "26"}, "maxInstances", "must be at most 25"),
        ({"minInstances": "4"}, "maxInstances", "must be at least minInstances, which is 4"),
        ({"maxConcurrency": "201"}, "maxConcurrency", "must be at most 200"),
        # The rest
        ({"healthCheck": {"protocol": "UDP"}}, "healthCheck.protocol", "must be 'HTTP' or 'TCP'"),
        ({"healthCheck": {"path": "healthz"}}, "healthCheck.path", "begins with /"),
        ({"healthCheck": {"interval": 21}}, "healthCheck.interval", "must be at most 20"),
        (
            {"vpcConnector": {"subnetIds": ["subnet-0123456789abcdef0"]}},
            "vpcConnector.securityGroupIds",
            "is missing",
        ),
        (
            {
                "vpcConnector": {
                    "subnetIds": ["subnet-0a"],
                    "securityGroupIds": ["sg-01234567"],
                }
            },
            "vpcConnector.subnetIds[0]",
            "must be a subnet id",
        ),
        ({"serverVersion": "0.0.1"}, "serverVersion", "has no pinned checksums"),
        ({"imageRetention": "1"}, "imageRetention", "must be at least 2"),
        ({"logLevel": "trace"}, "logLevel", "'debug'"),
        ({"logRetentionDays": "4"}, "logRetentionDays", "must be one of 1, 3, 5"),
        ({"schemaSampleSize": "0"}, "schemaSampleSize", "must be at least 1"),
        ({"tags": {"Stack": "x"}}, "tags.Stack", "the program sets Stack itself"),
        ({"tags": {"project": "x"}}, "tags.project", "the program sets Project itself"),
        ({"tags": {"AWS:x": "x"}}, 'tags["AWS:x"]', "AWS reserves the prefix aws:"),
        ({"tags": {"Team": "a", "team": "b"}}, "tags.team", "the tag Team only in case"),
        ({"tags": {"Team ": "a"}}, 'tags["Team "]', "must be a tag key"),
        ({"tags": {"Team": "a\nb"}}, "tags.Team", "must be a tag value"),
        ({"schemaSampleSize": str(2**31)}, "schemaSampleSize", "must be at most 2147483647"),
        ({"secretRecoveryDays": "6"}, "secretRecoveryDays", "must be 0, or from 7 to 30 days"),
        ({"secretRecoveryDays": "31"}, "secretRecoveryDays", "must be 0, or from 7 to 30 days"),
        ({"secretRecoveryDays": "-1"}, "secretRecoveryDays", "must be 0, or from 7 to 30 days"),
        ({"retainClaimsLog": "yes"}, "retainClaimsLog", "must be true or false"),
        ({"trustedCertificates": "x"}, "trustedCertificates", "must be certificates in PEM form"),
        (
            {"trustedCertificates": CERTIFICATE + "x"},
            "trustedCertificates",
            "must be certificates in PEM form",
        ),
        (
            {"trustedCertificates": CERTIFICATE.replace("\n", "\n!", 2)},
            "trustedCertificates",
            "must be certificates in PEM form",
        ),
        (
            {"trustedCertificates": re.sub(r"\n(.)", r"\nAAAA\1", CERTIFICATE, count=1)},
            "trustedCertificates",
            "certificate 1 of 1 is damaged",
        ),
        (
            {"trustedCertificates": CERTIFICATE + twice_encoded(CERTIFICATE)},
            "trustedCertificates",
            "certificate 2 of 2 is damaged",
        ),
        (
            {"trustedCertificates": CERTIFICATE + certificate(authority=False)},
            "trustedCertificates",
            "certificate 2 of 2 isn't an authority's",
        ),
        (
            {"trustedCertificates": certificate(expires=dt.datetime(2020, 1, 2, tzinfo=dt.UTC))},
            "trustedCertificates",
            "certificate 1 of 1 expired on Jan  2",
        ),
        (
            {"endpointOverrides": {"cognitoIdp": "localhost:4566"}},
            "endpointOverrides.cognitoIdp",
            "must be a URI",
        ),
        (
            {"endpointOverrides": {"cognitoIdp": "ftp://localhost"}},
            "endpointOverrides.cognitoIdp",
            "must be an http:// or https:// URL",
        ),
        (
            {"endpointOverrides": {"cognitoIdp": "http://localhost/\n"}},
            "endpointOverrides.cognitoIdp",
            "must contain no spaces",
        ),
        (
            {"endpointOverrides": {"cognitoIdp": "http://localhost/?"}},
            "endpointOverrides.cognitoIdp",
            "without query or fragment",
        ),
        (
            {"endpointOverrides": {"cognitoDomain": "http://a:b@localhost"}},
            "endpointOverrides.cognitoDomain",
            "must contain no credentials",
        ),
        ({"clinets": {}}, "clinets", "did you mean clients?"),
    ],
)
def test_an_invalid_value_is_reported_with_its_key(
    values: dict[str, Any], key: str, says: str
) -> None:
    found = problems({**MINIMUM, **values})

    assert list(found) == [f"{PROJECT}:{key}"]
    assert says in found[f"{PROJECT}:{key}"][0]


def test_missing_keys_are_reported() -> None:
    found = problems({})

    assert {key: says for key, (says, _) in found.items()} == {
        "neo4j-mcp:neo4jUri": "is missing",
        "neo4j-mcp:clients": "is missing",
    }


def test_everything_wrong_is_reported_at_once() -> None:
    found = problems(
        {
            "neo4jUri": "bolt://a.example",
            "clients": {"agent": {"scopes": ["reeder"]}},
            "cpu": "7",
            "minInstances": "9",
            "namePrefix": "p" * 40,
            "tracing": "maybe",
            "oops": "1",
        }
    )

    assert set(found) == {
        f"{PROJECT}:{key}"
        for key in (
            "neo4jUri",
            "clients.agent.scopes[0]",
            "cpu",
            "maxInstances",
            "namePrefix",
            "tracing",
            "oops",
        )
    }


@pytest.mark.parametrize(
    ("values", "command"),
    [
        ({"cpu": "7"}, "pulumi config set neo4j-mcp:cpu 1024"),
        ({"cpu": "512", "memory": "7"}, "pulumi config set neo4j-mcp:memory 1024"),
        ({"cpu": "1024", "memory": "7"}, "pulumi config set neo4j-mcp:memory 2048"),
        ({"minInstances": "9"}, "pulumi config set neo4j-mcp:maxInstances 9"),
        ({"rotationDays": "1"}, "pulumi config set neo4j-mcp:rotationDays 30"),
        ({"rotationDays": "2"}, "pulumi config set neo4j-mcp:overlapHours 23"),
        (
            {"clients": {"agent": {"scopes": ["reader"], "rotationDays": 2}}},
            "pulumi config set --path neo4j-mcp:clients.agent.overlapHours 23",
        ),
        (
            {"clients": {"agent": {"scopes": ["reader"], "overlapHours": 700}}},
            "pulumi config set --path neo4j-mcp:clients.agent.overlapHours 695",
        ),
        (
            {"clients": {"agent": {"scopes": ["reader"], "enabled": "no"}}},
            "pulumi config set --path neo4j-mcp:clients.agent.enabled true",
        ),
        (
            {"hosting": "lambda", "maxConcurrency": "50"},
            "pulumi config rm neo4j-mcp:maxConcurrency",
        ),
        (
            {"clients": {"agent": {"scopes": ["x"]}}},
            "pulumi config set --path 'neo4j-mcp:clients.agent.scopes[0]' reader",
        ),
        (
            {"clients": {"agent": {"scopes": []}}},
            "pulumi config set --path 'neo4j-mcp:clients.agent.scopes[0]' reader",
        ),
        (
            {"clients": {"A": {"scopes": ["reader"]}}},
            "pulumi config rm --path neo4j-mcp:clients.A",
        ),
        (
            {"clients": "agent"},
            (
                "pulumi config rm neo4j-mcp:clients && "
                "pulumi config set --path 'neo4j-mcp:clients.agent.scopes[0]' reader"
            ),
        ),
        (
            {"clients": {"agent": {"scopes": "reader"}}},
            (
                "pulumi config rm --path neo4j-mcp:clients.agent.scopes && "
                "pulumi config set --path 'neo4j-mcp:clients.agent.scopes[0]' reader"
            ),
        ),
        ({"tags": {"project": "x"}}, "pulumi config rm --path neo4j-mcp:tags.project"),
        ({"cup": "7"}, "pulumi config rm neo4j-mcp:cup"),
        (
            {"tags": {"it's {odd}": "x"}},
            """pulumi config rm --path 'neo4j-mcp:tags["it'"'"'s {odd}"]'""",
        ),
    ],
)
def test_the_command_fixes_it(values: dict[str, Any], command: str) -> None:
    ((_, suggested),) = problems({**MINIMUM, **values}).values()

    assert suggested == command


def test_an_overlap_beyond_the_next_rotation_is_reported_where_it_is_set() -> None:
    clients = {
        "a": {"scopes": ["reader"]},
        "b": {"scopes": ["reader"]},
        "shorter": {"scopes": ["reader"], "overlapHours": 23},
        "longer": {"scopes": ["reader"], "overlapHours": 47},
        "rarer": {"scopes": ["reader"], "rotationDays": 3},
        "never": {"scopes": ["reader"], "rotationDays": 0, "overlapHours": 720},
    }

    found = problems({**MINIMUM, "clients": clients, "rotationDays": "2", "overlapHours": "24"})
    assert {key: message.partition(":")[0] for key, (message, _) in found.items()} == {
        "neo4j-mcp:overlapHours": "must be at most 23 with a rotation every 2 days (a, b)",
        "neo4j-mcp:clients.longer.overlapHours": (
            "must be at most 23 with a rotation every 2 days (longer)"
        ),
    }


def test_an_undefined_scope_can_be_defined_or_replaced() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse({**MINIMUM, "clients": {"agent": {"scopes": ["reader", "admin"]}}})

    (problem,) = caught.value.problems
    assert problem.commands == (
        "pulumi config set --path 'neo4j-mcp:clients.agent.scopes[1]' reader",
        (
            "pulumi config set --path neo4j-mcp:scopes.admin.role '<role>' && "
            "pulumi config set --path neo4j-mcp:scopes.admin.description '<what it allows>'"
        ),
    )
    assert "      or pulumi config set --path neo4j-mcp:scopes.admin.role" in str(problem)


def test_a_scope_that_cannot_be_defined_is_not_offered() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse({**MINIMUM, "clients": {"agent": {"scopes": ["a/b"]}}})

    (problem,) = caught.value.problems
    assert len(problem.commands) == 1


@pytest.mark.parametrize("region", ["mars-1", "eu-north-1", "US-EAST-1", "us-east-1\n", ""])
def test_a_region_without_app_runner_is_refused(region: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(MINIMUM, region=region)

    (problem,) = caught.value.problems
    assert problem.key == "aws:region"
    assert "must be a region with App Runner: ap-northeast-1, " in problem.message
    assert problem.commands == ("pulumi config set aws:region us-east-1",)


def test_the_regions_are_app_runners() -> None:
    endpoints = get_session().get_available_regions("apprunner")

    assert sorted(REGIONS) == sorted(endpoints)


@pytest.mark.parametrize(
    ("config", "variables"),
    [
        ({"aws:region": "mars-1"}, {}),
        ({"aws:region": "mars-1"}, {"AWS_REGION": "eu-west-1"}),
        ({}, {"AWS_REGION": "mars-1"}),
        ({}, {"AWS_DEFAULT_REGION": "mars-1"}),
    ],
)
def test_the_running_stacks_region_is_the_one_that_the_provider_takes(
    config: dict[str, str], variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    minimum = {
        "neo4j-mcp:neo4jUri": "bolt+s://a.example:7687",
        "neo4j-mcp:clients": json.dumps(MINIMUM["clients"]),
    }

    with pytest.raises(ConfigurationError, match="aws:region: must be a region"):
        run_program(
            lambda: {"s": load_settings(PROJECT, "dev")}, stack="dev", config=minimum | config
        )


@pytest.mark.parametrize(
    "uri",
    [
        "neo4j+s://0123abcd.databases.neo4j.io",
        "neo4j+s://0123abcd.databases.neo4j.io:7687/",
        "bolt+s://localhost:65535",
        "bolt+s://10.0.0.1",
        "bolt+s://[2001:db8::1]:7687",
        "bolt+s://xn--bcher-kva.example",
    ],
)
def test_a_reachable_address_is_accepted(uri: str) -> None:
    assert parse({**MINIMUM, "neo4jUri": uri}).neo4j_uri == uri.rstrip("/")


def test_numbers_and_booleans_are_accepted_as_text() -> None:
    settings = parse({**MINIMUM, "tags": {"CostCenter": 42, "Shared": True}})

    assert settings.tags == {"CostCenter": "42", "Shared": "true"}


def test_the_rest_of_an_object_keeps_its_defaults() -> None:
    settings = parse({**MINIMUM, "healthCheck": {"interval": 3}})

    check = settings.host_as(AppRunnerSettings).health_check
    assert check.path == "/healthz"
    assert check.interval == 3
    assert check.unhealthy_threshold == 5


def test_a_key_that_is_not_set_has_the_hosts_default() -> None:
    # The engine adds the empty defaults of Pulumi.yaml.
    empty = {"memory": "", "maxInstances": "", "architecture": "", "healthCheck": {}, "cpu": ""}

    for hosting, memory, most in ((Hosting.APP_RUNNER, 2048, 3), (Hosting.LAMBDA, 512, 20)):
        host = parse({**MINIMUM, **empty, "hosting": hosting.value}).host
        assert isinstance(host, AppRunnerSettings | LambdaSettings)
        assert (host.memory, host.max_instances) == (memory, most)


def test_a_key_of_another_host_is_refused_with_both_ways_out() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse({**MINIMUM, "hosting": "lambda", "healthCheck": {"path": 1}})

    (problem,) = caught.value.problems
    assert problem.key == "neo4j-mcp:healthCheck"
    assert problem.commands == (
        "pulumi config rm neo4j-mcp:healthCheck",
        "pulumi config set neo4j-mcp:hosting apprunner",
    )


def test_a_key_of_any_host_is_known_where_the_host_is_not() -> None:
    assert set(problems({**MINIMUM, "hosting": "ecs", "cpu": "7"})) == {"neo4j-mcp:hosting"}


@pytest.mark.parametrize("region", REGIONS_WITHOUT_URLS)
def test_a_region_without_function_urls_is_refused_for_lambda(region: str) -> None:
    with pytest.raises(ConfigurationError, match="Lambda function URLs"):
        parse({**MINIMUM, "hosting": "lambda"}, region=region)


def test_lambda_runs_where_app_runner_does_not() -> None:
    assert parse({**MINIMUM, "hosting": "lambda"}, region="sa-east-1").hosting is Hosting.LAMBDA


def test_a_stack_is_to_be_renamed_if_no_prefix_is_short_enough() -> None:
    for _, command in problems(MINIMUM, stack="a" * 60).values():
        if "config set neo4j-mcp:cognitoDomainPrefix" not in command:
            assert command == "pulumi stack rename '<shorter-name>'"


def test_a_password_in_the_uri_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse({**MINIMUM, "neo4jUri": "neo4j+s://neo4j:hunter2@a.example"})

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value)


def test_the_message_names_the_stacks_file_and_has_no_traceback() -> None:
    with pytest.raises(
        ConfigurationError, match=r"Pulumi\.dev\.yaml.* has 1 problem, so"
    ) as caught:
        parse({**MINIMUM, "cpu": "7"})

    assert isinstance(caught.value, pulumi.RunError)


def test_a_scopes_dotted_name_is_quoted_as_pulumi_does() -> None:
    found = problems({**MINIMUM, "scopes": {"graph.read": {"description": "x", "role": "1"}}})

    assert 'neo4j-mcp:scopes["graph.read"].role' in found


@pytest.mark.parametrize(
    "written",
    [f"\n{CERTIFICATE}\n", CERTIFICATE.replace("\n", "\r\n"), CERTIFICATE * 2],
    ids=["more blank lines", "Windows line endings", "twice"],
)
def test_certificates_are_the_same_however_they_are_written(written: str) -> None:
    settings = parse({**MINIMUM, "trustedCertificates": written})

    assert settings.trusted_certificates == CERTIFICATE * written.count("BEGIN")


def test_the_sizes_are_those_of_app_runners_guide() -> None:
    assert [(cpu, memory) for cpu, offered in SIZES.items() for memory in offered] == [
        (256, 512),
        (256, 1024),
        (512, 1024),
        (1024, 2048),
        (1024, 3072),
        (1024, 4096),
        (2048, 4096),
        (2048, 6144),
        (4096, 8192),
        (4096, 10240),
        (4096, 12288),
    ]


# Properties


def app_runner(values: Mapping[str, Any]) -> AppRunnerSettings:
    return parse(values).host_as(AppRunnerSettings)


sizes = st.integers(min_value=-10, max_value=40_000)


@briefly
@given(cpu=sizes | st.sampled_from(sorted(SIZES)), memory=sizes)
def test_exactly_app_runners_sizes_are_accepted(cpu: int, memory: int) -> None:
    offered = memory in SIZES.get(cpu, ())
    values = {**MINIMUM, "cpu": str(cpu), "memory": str(memory)}

    if offered:
        assert accepts("apprunner", "Cpu", str(app_runner(values).cpu))
        assert accepts("apprunner", "Memory", str(app_runner(values).memory))
    else:
        assert set(problems(values)) <= {"neo4j-mcp:cpu", "neo4j-mcp:memory"}


@briefly
@given(
    least=st.integers(min_value=-2, max_value=30),
    most=st.integers(min_value=-2, max_value=30),
    concurrency=st.integers(min_value=-2, max_value=210),
)
def test_exactly_app_runners_scaling_limits_are_accepted(
    least: int, most: int, concurrency: int
) -> None:
    limits = shape("apprunner", "ASConfigMaxConcurrency")
    legal = (
        1 <= least <= most <= shape("apprunner", "ASConfigMinSize")["max"]
        and limits["min"] <= concurrency <= limits["max"]
    )
    values = {
        **MINIMUM,
        "minInstances": str(least),
        "maxInstances": str(most),
        "maxConcurrency": str(concurrency),
    }

    if legal:
        assert app_runner(values).max_instances == most
    else:
        assert problems(values)


@briefly
@given(
    check=st.fixed_dictionaries(
        {
            key: st.integers(min_value=-2, max_value=25)
            for key in ("interval", "timeout", "healthyThreshold", "unhealthyThreshold")
        }
    )
)
def test_exactly_app_runners_health_check_limits_are_accepted(check: dict[str, int]) -> None:
    limits = {key: shape("apprunner", f"HealthCheck{key[0].upper()}{key[1:]}") for key in check}
    wrong = {
        key for key, value in check.items() if not limits[key]["min"] <= value <= limits[key]["max"]
    }
    values = {**MINIMUM, "healthCheck": check}

    if wrong:
        assert set(problems(values)) == {f"neo4j-mcp:healthCheck.{key}" for key in wrong}
    else:
        assert app_runner(values).health_check.interval == check["interval"]


@briefly
@given(minutes=st.integers(min_value=-10, max_value=2000))
def test_exactly_cognitos_token_validities_are_accepted(minutes: int) -> None:
    values = {
        **MINIMUM,
        "clients": {"agent": {"scopes": ["reader"], "tokenValidityMinutes": minutes}},
    }

    if 300 <= minutes * 60 <= shape("cognito-idp", "AccessTokenValidityType")["max"]:
        assert parse(values).clients["agent"].token_validity_minutes == minutes
    else:
        assert list(problems(values)) == ["neo4j-mcp:clients.agent.tokenValidityMinutes"]


@briefly
@given(name=st.text(min_size=1, max_size=20) | st.text(alphabet="aZ9._:-;=,/", min_size=1))
def test_a_scope_name_is_legal_for_cognito_and_for_neo4js_mapping(name: str) -> None:
    scope = {"description": "x", "role": "editor"}
    values = {**MINIMUM, "scopes": {"reader": scope, name: scope}}

    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]*", name):
        assert accepts("cognito-idp", "ResourceServerScopeNameType", name)
        assert name in parse(values).scopes
    else:
        assert problems(values)


@briefly
@given(
    values=st.dictionaries(
        st.sampled_from([*fields_by_key(CommonSettings), *HOST_KEYS]),
        st.text(max_size=30)
        | st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=6,
        ).map(json.dumps),
    )
)
def test_any_configuration_is_accepted_or_reported(values: dict[str, str]) -> None:
    commands: list[str] = []
    clients: object = None
    try:
        clients = parse_settings(values, project=PROJECT, stack="dev").clients
    except ConfigurationError as error:
        commands = [each for problem in error.problems for each in problem.commands]

    assert bool(clients) != bool(commands)
    assert all(command.startswith("pulumi ") for command in commands)


@briefly
@given(seed=st.integers())
def test_the_order_of_the_keys_changes_nothing(seed: int) -> None:
    keys = list(MINIMUM | {"cpu": "2048", "memory": "4096", "minInstances": "2"})
    random.Random(seed).shuffle(keys)  # noqa: S311  no secret
    given_values = MINIMUM | {"cpu": "2048", "memory": "4096", "minInstances": "2"}

    assert parse({key: given_values[key] for key in keys}) == parse(given_values)


# Read from Pulumi


def test_settings_are_read_from_the_running_stack() -> None:
    config = {
        "neo4j-mcp:neo4jUri": "bolt+s://a.example:7687",
        "neo4j-mcp:clients": json.dumps(MINIMUM["clients"]),
        "neo4j-mcp:readOnly": "true",
        "aws:region": "eu-west-1",
    }

    result = run_program(
        lambda: {"settings": load_settings(PROJECT, "dev")}, stack="dev", config=config
    )

    settings: StackSettings = result.outputs["settings"]
    assert settings.neo4j_uri == "bolt+s://a.example:7687"
    assert settings.read_only is True


def test_a_misspelt_key_of_the_running_stack_is_reported() -> None:
    config = {
        "neo4j-mcp:neo4jUri": "bolt+s://a.example:7687",
        "neo4j-mcp:clients": json.dumps(MINIMUM["clients"]),
        "neo4j-mcp:readonly": "true",
    }

    with pytest.raises(ConfigurationError, match=r"neo4j-mcp:readonly: .*did you mean readOnly\?"):
        run_program(lambda: {"settings": load_settings(PROJECT, "dev")}, stack="dev", config=config)


def test_every_release_in_the_table_is_deployable() -> None:
    for version in RELEASES:
        assert parse({**MINIMUM, "serverVersion": version}).server_version == version
