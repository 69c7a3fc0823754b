"""The check of the roles, with the program's own policies and an answered simulator."""

import json
from typing import Any

import pytest

from automation.checks import CHECKS, runner
from automation.checks.results import Outcome, Result
from components.names import ResourceNames
from components.settings import StackSettings
from localcloud.aws.iam import simulation
from tests.automation.checks.fake_aws import Answer, AnsweredStack
from tests.components.mocks import ACCOUNT, POOL_ID, REGION
from tests.components.mocks import Result as Deployed
from tests.components.parsing import parse
from tests.program.conftest import Deploy

_NAMES = ResourceNames(prefix="neo4j-mcp", stack="dev")
_SERVICE = f"arn:aws:apprunner:{REGION}:{ACCOUNT}:service/{_NAMES.service}/0123"


class _World:
    """A deployed stack, of which a test changes the roles' policies."""

    def __init__(self, deployed: Deployed) -> None:
        self.documents: dict[str, list[dict[str, Any]]] = {
            each.inputs["name"]: [] for each in deployed.of_type("aws:iam/role:Role")
        }
        for each in deployed.of_type("aws:iam/rolePolicy:RolePolicy"):
            self.documents[each.inputs["role"]].append(json.loads(each.inputs["policy"]))
        self._groups = [
            each.inputs["name"] for each in deployed.of_type("aws:cloudwatch/logGroup:LogGroup")
        ]
        secrets = deployed.of_type("aws:secretsmanager/secret:Secret")
        self._outputs: dict[str, Any] = {
            "issuer": f"https://cognito-idp.{REGION}.amazonaws.com/{POOL_ID}",
            "mcpUrl": "https://x/mcp",
            "clients": {
                client: {"secretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}"}
                for client in self._settings().all_clients
                for name in (each.inputs["name"] for each in secrets)
                if name.startswith(_NAMES.secret(client))
            },
        }

    def check(self) -> Result:
        answers: dict[str, Answer] = {
            "GetFunctionConfiguration": self._function,
            "ListServices": lambda _region, _: {
                "ServiceSummaryList": [
                    {"ServiceName": _NAMES.service, "ServiceArn": _SERVICE, "Status": "RUNNING"}
                ]
            },
            "DescribeService": lambda _region, _: {"Service": self._service()},
            "SimulatePrincipalPolicy": self._simulate,
        }
        stack = AnsweredStack(
            answers, settings=self._settings(), outputs=self._outputs, region=REGION
        )
        return runner.run_one(CHECKS["P2-roles"], stack)

    @staticmethod
    def _settings() -> StackSettings:
        return parse(
            {
                "neo4jUri": "neo4j+s://a.databases.neo4j.io",
                "clients": {
                    "reader": {"scopes": ["reader"]},
                    "writer": {"scopes": ["reader", "writer"]},
                },
                "monitoring": {"enabled": True},
            }
        )

    def _function(self, _region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        stem = f"/aws/lambda/{parameters['FunctionName']}-"
        (group,) = (each for each in self._groups if each.startswith(stem))
        return {"LoggingConfig": {"LogGroup": group}}

    @staticmethod
    def _service() -> dict[str, Any]:
        return {
            "ServiceName": _NAMES.service,
            "ServiceArn": _SERVICE,
            "ServiceId": "0123",
            "ServiceUrl": "x",
            "Status": "RUNNING",
            "CreatedAt": 0,
            "SourceConfiguration": {
                "ImageRepository": {"ImageIdentifier": "x@sha256:0"},
                "AuthenticationConfiguration": {"AccessRoleArn": "x"},
            },
            "InstanceConfiguration": {"InstanceRoleArn": "x"},
        }

    def _simulate(self, _region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        simulation.require_supported(simulation.OPERATION, parameters)
        role = parameters["PolicySourceArn"].rpartition("/")[2]
        return dict(simulation.simulate(parameters, self.documents[role]))


@pytest.fixture
def world(deploy: Deploy) -> _World:
    clients = {"reader": {"scopes": ["reader"]}, "writer": {"scopes": ["reader", "writer"]}}
    changes = {
        "neo4j-mcp:monitoring": '{"enabled": true}',
        "neo4j-mcp:clients": json.dumps(clients),
    }
    return _World(deploy("dev", changes))


def test_the_roles_that_the_program_declares_pass(world: _World) -> None:
    found = world.check()
    assert (found.outcome, found.reason) == (Outcome.PASSED, "")


def test_a_role_that_may_more_fails_with_what_it_may(world: _World) -> None:
    more = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    world.documents[_NAMES.claims_function].append({"Statement": [more]})
    found = world.check()
    assert found.outcome is Outcome.FAILED
    assert f"{_NAMES.claims_function} may secretsmanager:GetSecretValue on arn:" in found.reason
    assert "pulumi up --refresh --stack dev" in found.reason


def test_a_role_that_may_less_fails_with_what_it_may_not(world: _World) -> None:
    world.documents[_NAMES.canary_function] = []
    found = world.check()
    assert found.outcome is Outcome.FAILED
    assert f"{_NAMES.canary_function} may not cloudwatch:PutMetricData on *" in found.reason
