"""What a whole stack costs in a month, against figures that were worked out by hand."""

import io
import json
from decimal import Decimal

from automation.cost import prices
from automation.cost.comparison import compare
from automation.cost.estimate import Line, Total, estimate
from automation.cost.printing import (
    comparison_document,
    document,
    print_comparison,
    print_estimate,
)
from automation.cost.usage import Group, Load, Resource
from automation.terminal import console
from components.settings import Hosting

HOST = "neo4j-mcp:hosting:AppRunnerHost"
CANARY = "neo4j-mcp:monitoring:Canary"
ROTATION = "neo4j-mcp:rotation:RotationFunction"
SCHEDULE = "aws:cloudwatch/eventRule:EventRule"
FUNCTION = "aws:lambda/function:Function"


def _resource(types: str, **inputs: object) -> Resource:
    return Resource.of(f"urn:pulumi:dev::neo4j-mcp::{types}::name", inputs)


def _client(name: str, minutes: int) -> list[Resource]:
    client = "neo4j-mcp:identity:Identity$aws:cognito/userPoolClient:UserPoolClient"
    secret = "neo4j-mcp:credentials:ClientCredentials$aws:secretsmanager/secret:Secret"
    return [
        _resource(client, name=f"neo4j-mcp-dev-{name}", accessTokenValidity=minutes),
        _resource(secret, name=f"neo4j-mcp-dev-{name}-credentials"),
    ]


def _service() -> Resource:
    size = {"cpu": "1024", "memory": "2048"}
    return _resource(f"{HOST}$aws:apprunner/service:Service", instanceConfiguration=size)


def _edge(*, limited: bool = False) -> list[Resource]:
    edge = [
        _resource("aws:cloudfront/distribution:Distribution"),
        _resource("aws:cloudfront/function:Function"),
    ]
    return [*edge, _resource("aws:wafv2/webAcl:WebAcl", rules=[{}])] if limited else edge


def _lines(*resources: Resource, load: Load | None = None) -> dict[str, Line]:
    return {each.what: each for each in estimate([_service(), *resources], load or Load())}


def test_callers_renew_their_tokens_when_they_expire() -> None:
    clients = [*_client("agent", 60), *_client("loader", 30)]

    lines = _lines(*clients, load=Load(callers=2))

    # 730 h: 2 callers with a token an hour, and 2 with one each half an hour. 2.25 for 1,000.
    assert lines["Tokens"].loaded == 2 * 730 + 2 * 1460
    assert lines["Tokens"].loaded_usd == Decimal("9.855")
    assert lines["Tokens"].idle == 0
    assert lines["App clients"].idle_usd == 12
    assert lines["Secrets"].idle_usd == Decimal("0.80")


def test_callers_that_seldom_call_need_a_token_for_each_call_at_most() -> None:
    seldom = Load(calls_per_second=Decimal(100) / (730 * 3600), callers=5)

    assert round(_lines(*_client("agent", 60), load=seldom)["Tokens"].loaded, 6) == 100


def test_a_given_number_of_tokens_is_used_as_it_is() -> None:
    load = Load(tokens=Decimal(2000))

    assert _lines(*_client("agent", 60), load=load)["Tokens"].loaded_usd == Decimal("4.50")


def test_each_token_runs_the_claims_function_and_reads_a_secret() -> None:
    claims = _resource(f"neo4j-mcp:identity:Identity${FUNCTION}", memorySize=128)

    lines = _lines(*_client("agent", 60), claims)

    assert lines["Claims function: runs"].loaded == 730
    # An eighth of a GB for 0.1 s.
    assert lines["Claims function: memory"].loaded == Decimal("9.125")
    assert lines["Secrets: calls"].loaded == 730


def test_the_rotation_function_looks_at_every_secret_each_hour() -> None:
    rotation = [
        _resource(f"{ROTATION}${SCHEDULE}", scheduleExpression="rate(1 hour)"),
        _resource(f"{ROTATION}${FUNCTION}", memorySize=256),
    ]

    lines = _lines(*_client("agent", 60), *_client("loader", 60), *rotation)

    assert lines["Secrets: calls"].idle == 730 * 2 * 2
    assert lines["Rotation function: memory"].idle == 365


def test_the_canarys_client_is_a_part_of_monitoring() -> None:
    canary = _resource(f"{CANARY}${SCHEDULE}", scheduleExpression="rate(5 minutes)")
    lines = _lines(*_client("agent", 60), *_client("canary", 60), canary)

    assert lines["App clients"].loaded == lines["Secrets"].loaded == 1
    assert lines["Canary: app client"].group is Group.MONITORING


def test_the_edge_is_paid_by_request_and_by_traffic() -> None:
    lines = _lines(*_edge(), load=Load(calls_per_second=Decimal(10)))

    # 26,280,000 calls of 4 KB.
    assert lines["Edge: requests"].loaded_usd == Decimal("26.28")
    assert lines["Edge: function"].loaded_usd == Decimal("2.628")
    assert lines["Answers"].loaded == Decimal("105.12")
    assert lines["Answers"].price is prices.EDGE_TRANSFER
    assert {"Web ACL", "Web ACL: rules"}.isdisjoint(lines)


def test_without_an_edge_answers_are_traffic_to_the_internet() -> None:
    lines = _lines()

    # 2,628,000 calls of 4 KB are 10.512 GB.
    assert lines["Answers"].loaded_usd == Decimal("0.94608")


def test_a_limit_adds_a_web_acl_with_a_rule() -> None:
    lines = _lines(*_edge(limited=True))

    assert lines["Web ACL"].idle_usd + lines["Web ACL: rules"].idle_usd == 6
    assert lines["Web ACL: requests"].loaded_usd == Decimal("1.5768")


def test_logs_are_paid_when_written_and_while_they_are_kept() -> None:
    group = _resource("aws:cloudwatch/logGroup:LogGroup", retentionInDays=365)
    delivery = _resource("aws:cloudwatch/logDelivery:LogDelivery")

    lines = _lines(group, delivery)

    # 2.628 GB each, kept for twelve months of 730 hours.
    assert lines["Server's log"].loaded_usd == Decimal("1.314")
    assert lines["Access logs"].loaded_usd == Decimal("1.314")
    assert round(lines["Storage of logs"].loaded, 6) == round(Decimal("5.256") * 12, 6)


def test_the_repository_pays_for_the_images_that_it_keeps() -> None:
    rules = {"rules": [{"selection": {"countNumber": 20}}]}
    lines = _lines(
        _resource("aws:ecr/repository:Repository"),
        _resource("aws:ecr/lifecyclePolicy:LifecyclePolicy", policy=json.dumps(rules)),
    )

    assert lines["Storage of images"].idle == Decimal("0.22")


def test_people_see_both_totals_what_is_assumed_and_the_sources() -> None:
    load = Load(calls_per_second=Decimal(2))
    lines = estimate([_service()], load)
    written = io.StringIO()

    print_estimate(lines, load, "eu-west-1", console(file=written, width=200))

    printed = written.getvalue()
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in printed.splitlines()
        if line.startswith("│")
    ]
    # 10.22 for the memory; 46.72 for the processor, 1.89 for answers and 2.63 for logs.
    assert ["Total", "", "", "", "10.22", "61.46"] in rows
    assert "1 instance of 2048 MB" in printed
    assert "--calls-per-second 2 --seconds-per-call 0.1 --callers 1" in printed
    assert "read on 2026-11-27" in printed
    assert "Free tiers aren't subtracted" in printed
    assert "The stack is in eu-west-1, where prices differ." in printed
    assert "https://aws.amazon.com/apprunner/pricing/" in printed


def test_programs_see_the_load_and_each_line() -> None:
    load = Load()
    found = document(estimate([_service()], load), load, "us-east-1")

    assert json.loads(json.dumps(found)) == found
    assert found["usdAMonth"] == {"idle": 10.22, "load": 59.2}
    assert found["load"]["callsPerSecond"] == 1
    (memory,) = (each for each in found["lines"] if each["what"] == "App Runner: memory")
    assert memory["quantity"] == {"idle": 1460.0, "load": 1460.0}
    assert memory["group"] == "host"
    assert memory["priceConfirmed"] is True


def test_a_comparison_shows_each_host_with_its_size() -> None:
    load = Load()
    candidates = compare([_service()], [Hosting.LAMBDA], load)
    written = io.StringIO()

    print_comparison(candidates, load, "us-east-1", console(file=written, width=120))

    printed = written.getvalue()
    assert "1024 CPU units, 2048 MB, 1 to 25 instances" in printed
    assert "512 MB on x86_64, up to 20 environments (default)" in printed
    assert "where prices differ" not in printed
    found = comparison_document(candidates, load, "us-east-1")["hosts"]
    assert [each["hosting"] for each in found] == ["apprunner", "lambda"]
    assert found[0]["usdAMonth"] == {"idle": 10.22, "load": 56.94}
    assert found[1]["usdAMonth"] == {"idle": 0, "load": 2.72}


def test_a_stack_without_a_host_has_no_calls() -> None:
    assert estimate([], Load()) == ()
    assert Total.of([]) == Total(idle=Decimal(), loaded=Decimal())


def test_every_price_has_its_source_and_is_positive() -> None:
    assert len({each.what for each in prices.PRICES}) == len(prices.PRICES) > 30
    for each in prices.PRICES:
        assert each.source.startswith("https://aws.amazon.com/")
        assert each.of(Decimal(1)) > 0
        assert str(each).endswith("[?]") != each.confirmed
