"""The canary in the whole program: with monitoring it is a client, and without it nothing is."""

from tests.program.conftest import Deploy

ON = {"neo4j-mcp:monitoring": '{"enabled": true}'}
OFF = {"neo4j-mcp:monitoring": '{"enabled": false}'}
CLIENT_ID = "id-of-neo4j-mcp-dev-canary"


def test_with_monitoring_the_database_is_asked_to_accept_the_canary(deploy: Deploy) -> None:
    outputs = deploy("dev", ON).outputs

    assert outputs["clients"]["canary"]["clientId"] == CLIENT_ID
    assert outputs["clients"]["canary"]["scopes"] == ["neo4j-mcp/reader"]
    assert CLIENT_ID in outputs["auraSso"]["audience"]
    assert CLIENT_ID in outputs["neo4jConf"]


def test_the_canary_reads_the_secret_that_the_rotation_function_writes(deploy: Deploy) -> None:
    result = deploy("dev", ON)
    secret = result.outputs["clients"]["canary"]["secretArn"]
    publication = result.one("aws:lambda/invocation:Invocation", "canary-publication")
    target = result.one("aws:cloudwatch/eventTarget:EventTarget", "canary-schedule")

    (function,) = [
        each
        for each in result.of_type("aws:lambda/function:Function")
        if each.inputs["name"] == "neo4j-mcp-dev-canary"
    ]
    assert function.inputs["environment"]["variables"]["CREDENTIALS_ARN"] == secret
    assert secret in publication.inputs["input"]
    assert publication.urn in target.dependencies


def test_without_monitoring_nothing_is_the_canarys(deploy: Deploy) -> None:
    result = deploy("dev", OFF)

    assert not [each.name for each in result.registrations if "canary" in each.name]
    assert "canary" not in result.outputs["clients"]
    assert {each.urn for each in deploy("dev").registrations} == {
        each.urn for each in result.registrations
    }
