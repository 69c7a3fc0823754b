"""What each host costs in a month, against figures that were worked out by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest

from automation.cost.comparison import compare
from automation.cost.estimate import Line, Total, estimate_host
from automation.cost.hosts import HOSTS, AppRunner, Fargate, Host, Lambda
from automation.cost.prices import Price
from automation.cost.tables import hosts_table, parts_table, prices_table
from automation.cost.usage import Load
from components.hosting.definitions import DEFINITIONS
from components.settings import Hosting

SOURCE = "https://aws.amazon.com/thing/pricing/"
APP_RUNNER = AppRunner(cpu=1024, memory=2048, fewest=1, most=3, concurrency=50)
FARGATE = Fargate(
    cpu=512,
    memory=1024,
    fewest=1,
    most=3,
    requests_per_target=1000,
    balancers=1,
    balancer_addresses=2,
    public_tasks=True,
    policies=2,
)
LAMBDA = Lambda(memory=512, most=20, architecture="x86_64")


def _lines(host: Host, load: Load | None = None) -> dict[str, Line]:
    return {each.what: each for each in estimate_host(host, load or Load())}


def _cents(usd: Decimal) -> Decimal:
    return usd.quantize(Decimal("0.01"))


def _calls(per_second: str, seconds: str = "0.1") -> Load:
    return Load(calls_per_second=Decimal(per_second), seconds_per_call=Decimal(seconds))


def test_app_runner_without_calls_pays_for_memory() -> None:
    lines = _lines(APP_RUNNER)

    # 2 GB * 730 h * 0.007.
    assert _cents(Total.of(lines.values()).idle) == Decimal("10.22")
    assert lines["App Runner: processors"].idle == 0


def test_app_runner_with_a_call_each_second_pays_for_a_processor_all_month() -> None:
    # 10.22, and 1 vCPU * 730 h * 0.064 = 46.72.
    assert _cents(Total.of(_lines(APP_RUNNER).values()).loaded) == Decimal("56.94")


def test_a_call_keeps_an_instance_of_app_runner_active_for_a_minute() -> None:
    # A call in ten minutes: a tenth of 730 h.
    processors = _lines(APP_RUNNER, _calls(str(Decimal(1) / 600)))["App Runner: processors"]

    assert round(processors.loaded, 6) == 73


def test_the_canarys_calls_keep_app_runner_active_too() -> None:
    # A run every 5 minutes: a fifth of 730 h, 9.34 USD.
    lines = {each.what: each for each in estimate_host(APP_RUNNER, Load(), Decimal(8760))}

    assert _cents(lines["App Runner: processors"].idle_usd) == Decimal("9.34")


def test_app_runner_adds_instances_for_calls_at_the_same_time() -> None:
    # 60 calls a second of 2 s are 120 at the same time: 3 instances of 50.
    lines = _lines(APP_RUNNER, _calls("60", "2"))

    assert lines["App Runner: memory"].loaded == 3 * 2 * 730
    assert lines["App Runner: processors"].loaded == 3 * 730
    assert "maxInstances" not in lines["App Runner: memory"].assumes


@pytest.mark.parametrize(
    ("host", "what", "load"),
    [
        # 160 at the same time, for which 3 instances of 50 aren't enough.
        (APP_RUNNER, "App Runner: memory", _calls("80", "2")),
        # 4,800 a minute, for which 3 tasks of 1,000 aren't enough.
        (FARGATE, "Fargate: processors", _calls("80", "2")),
        # 160 at the same time, and 20 environments.
        (LAMBDA, "Lambda: memory", _calls("80", "2")),
    ],
)
def test_a_load_above_the_most_instances_is_reported(host: Host, what: str, load: Load) -> None:
    assert "more than maxInstances" in _lines(host, load)[what].assumes


def test_fargate_without_calls_pays_for_a_task_a_load_balancer_and_addresses() -> None:
    lines = _lines(FARGATE)

    # 0.5 vCPU * 730 h * 0.04048, and 1 GB * 730 h * 0.004445.
    assert _cents(lines["Fargate: processors"].idle_usd) == Decimal("14.78")
    assert _cents(lines["Fargate: memory"].idle_usd) == Decimal("3.24")
    # 730 h * 0.0225, and three addresses for 730 h * 0.005.
    assert lines["Load balancer"].idle_usd == Decimal("16.425")
    assert _cents(lines["Public addresses"].idle_usd) == Decimal("10.95")
    # Two policies with two alarms each.
    assert lines["Scaling alarms"].idle_usd == Decimal("0.40")
    assert "Load balancer: use" in lines
    assert lines["Load balancer: use"].idle == 0


def test_the_load_balancers_use_is_the_largest_of_its_dimensions() -> None:
    # 50 new connections a second are 2 units; 50 * 4 KB for 3,600 s are 0.72 GB an hour.
    assert _lines(FARGATE, _calls("50"))["Load balancer: use"].loaded == 2 * 730
    # 100 KB for each: 18 GB an hour.
    large = replace(_calls("50"), kilobytes_per_call=Decimal(100))
    assert _lines(FARGATE, large)["Load balancer: use"].loaded == 18 * 730
    # 12,000 connections at the same time are 4 units.
    slow = _calls("50", "240")
    assert _lines(FARGATE, slow)["Load balancer: use"].loaded == 4 * 730


def test_fargate_adds_tasks_with_their_addresses() -> None:
    # 40 calls a second are 2,400 a minute: 3 tasks of 1,000.
    lines = _lines(FARGATE, _calls("40"))

    assert lines["Fargate: memory"].loaded == 3 * 730
    assert lines["Public addresses"].loaded == (2 + 3) * 730


def test_lambda_without_calls_costs_nothing() -> None:
    assert Total.of(_lines(LAMBDA).values()).idle == 0


def test_lambda_pays_for_calls_and_their_time() -> None:
    # A million calls of 100 ms: 0.20, and 50,000 GB-seconds * 0.0000166667 = 0.83.
    million = _calls(str(Decimal(10**6) / (730 * 3600)))

    assert _cents(Total.of(_lines(LAMBDA, million).values()).loaded) == Decimal("1.03")
    arm = replace(LAMBDA, architecture="arm64")
    assert _cents(Total.of(_lines(arm, million).values()).loaded) == Decimal("0.87")


@pytest.mark.parametrize("host", [replace(APP_RUNNER, traced=True), replace(LAMBDA, traced=True)])
def test_traces_are_of_one_call_a_second_and_a_part_of_the_others(host: Host) -> None:
    # Of 21 calls a second: 1, and 5 % of 20.
    assert _lines(host, _calls("21"))["Traces"].loaded == 2 * 730 * 3600


def test_every_host_can_be_estimated() -> None:
    assert set(HOSTS) == set(DEFINITIONS)


def test_a_comparison_has_the_default_sizes_of_hosts_that_the_stack_does_not_have() -> None:
    candidates = compare([], [Hosting.APP_RUNNER, Hosting.FARGATE, Hosting.LAMBDA], Load())

    assert [each.deployed for each in candidates] == [False] * 3
    app_runner, fargate, function = (each.total for each in candidates)
    assert _cents(app_runner.loaded) == Decimal("56.94")
    # 18.02 for the task, 16.42 for the load balancer and 0.23 for its use, 7 addresses, 4 alarms.
    assert _cents(fargate.loaded) == Decimal("60.63")
    # 2,628,000 calls: 0.53, and 131,400 GB-seconds: 2.19.
    assert _cents(function.loaded) == Decimal("2.72")


def test_the_table_of_hosts_is_calculated_for_each_rate() -> None:
    rows = {row.split("|")[1].strip(): row for row in hosts_table([Decimal(1)]).splitlines()[2:]}

    assert rows["App Runner, by default"] == "| App Runner, by default | 10.22 | 56.94 |"
    # 1 call a second of 0.1 s in half a GB, on arm64: 0.53 and 1.75.
    assert rows["Lambda, on arm64"] == "| Lambda, on arm64 | 0.00 | 2.28 |"


def test_the_tables_name_what_is_not_confirmed() -> None:
    price = Price(what="A thing", usd=Decimal(2), units=1000, unit="things", source=SOURCE)

    assert prices_table([price]).splitlines()[2:] == [
        f"| A thing | 2 per 1,000 things [?] | [thing]({SOURCE}) |"
    ]


def test_the_table_of_parts_adds_what_belongs_together() -> None:
    # 6 for the app client and 0.40 for the secret.
    assert "| A client, with its secret | 6.40 |" in parts_table()
    # 1.00 for requests, 0.10 for the function and 0.34 for 4 GB.
    assert "| `edge`, a million calls of 4 KB | 1.44 |" in parts_table()
