"""Probes of App Runner and ECS that start nothing, except the disruptive one."""

from typing import Any, Final

from automation.probes.connections import OPEN, watch
from automation.probes.families.exchanges import unfinished
from automation.probes.families.sources import DOC_APP_RUNNER, DOC_ECS, doc, model
from automation.probes.kinds import AUTO_SCALING, CLUSTER
from automation.probes.needs import ON_APP_RUNNER
from automation.probes.observations import ACCEPTED, REFUSED, UNDOCUMENTED, Observation
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

APP_RUNNER: Final = Family("apprunner")
ECS: Final = Family("ecs")
_MOST_REVISIONS: Final = 5
_OPERATION_SECONDS: Final = 900.0
_WATCH_SECONDS: Final = 130.0
"""Longer than a request may take."""


def _auto_scaling(box: Sandbox, **parameters: int) -> str:
    """Create a revision of an auto scaling configuration, and return its ARN."""
    created = box.client("apprunner").create_auto_scaling_configuration(
        AutoScalingConfigurationName=box.name, Tags=box.tags, **parameters
    )
    arn = str(created["AutoScalingConfiguration"]["AutoScalingConfigurationArn"])
    box.owns(AUTO_SCALING, arn)
    return arn


@APP_RUNNER.probe(
    "apprunner-out-of-range",
    rows=["Names, sizes and values out of range", "CreateService without a source"],
    documented={
        "no concurrency": REFUSED,
        "201 requests at once": REFUSED,
        "less at most than at least": "InvalidRequestException",
        "service without a source": "InvalidRequestException",
        "name of a service with a space": REFUSED,
    },
    source=doc(f"{DOC_APP_RUNNER}/api/API_CreateService.html"),
)
def _out_of_range(box: Sandbox) -> Observation:
    """How does App Runner refuse what is out of range or incomplete?"""
    client = box.client("apprunner")
    return {
        "no concurrency": box.outcome(lambda: _auto_scaling(box, MaxConcurrency=0)),
        "201 requests at once": box.outcome(lambda: _auto_scaling(box, MaxConcurrency=201)),
        "less at most than at least": box.outcome(lambda: _auto_scaling(box, MinSize=3, MaxSize=2)),
        "service without a source": box.outcome(
            lambda: client.create_service(ServiceName=box.name, SourceConfiguration={})
        ),
        "name of a service with a space": box.outcome(
            lambda: client.create_service(ServiceName=f"{box.name} x", SourceConfiguration={})
        ),
    }


@APP_RUNNER.probe(
    "apprunner-revisions",
    rows=["Revisions of auto scaling"],
    documented={"revisions": 5, "one more": "ServiceQuotaExceededException"},
    source=doc(f"{DOC_APP_RUNNER}/api/API_CreateAutoScalingConfiguration.html"),
    seconds=10,
)
def _revisions(box: Sandbox) -> Observation:
    """How many revisions may an auto scaling configuration have?"""
    created = [
        box.outcome(_auto_scaling, box, MaxConcurrency=number)
        for number in range(1, _MOST_REVISIONS + 1)
    ]
    return {
        "revisions": created.count(ACCEPTED),
        "one more": box.outcome(lambda: _auto_scaling(box, MaxConcurrency=100)),
    }


@APP_RUNNER.probe(
    "apprunner-other-host-name",
    rows=["Another host name at a service"],
    documented={"own": 200, "another": UNDOCUMENTED, "reaches the service": False},
    source="nothing: it isn't documented",
    needs=ON_APP_RUNNER,
)
def _other_host_name(box: Sandbox) -> Observation:
    """What does a request to the service's address with another Host header get?"""
    url = f"{box.stack.outputs['serviceUrl']}/healthz"
    own = box.around.http.get(url)
    another = box.around.http.get(url, headers={"host": "example.com"})
    return {
        "own": own.status_code,
        "another": another.status_code,
        "reaches the service": another.is_success,
    }


@APP_RUNNER.probe(
    "apprunner-idle-limits",
    rows=[
        "Request of more than 120 s",
        "Idle connection to App Runner or a function URL",
        "Unfinished request to App Runner or a function URL",
    ],
    documented={
        "after an answer": UNDOCUMENTED,
        "header without an end": UNDOCUMENTED,
        "body without an end": UNDOCUMENTED,
        "slow body": UNDOCUMENTED,
        # 120 s include the time in which the application reads the body.
        "slow body ended": True,
    },
    source=doc(f"{DOC_APP_RUNNER}/dg/develop.html"),
    seconds=_WATCH_SECONDS,
    needs=ON_APP_RUNNER,
)
def _idle_limits(box: Sandbox) -> Observation:
    """After how long does App Runner end idle connections and slow requests?"""
    url = box.stack.outputs["serviceUrl"]
    endings = watch(
        url,
        unfinished(url, healthy="/healthz", called="/mcp"),
        longest=_WATCH_SECONDS,
        tls=box.around.tls,
    )
    return {
        **{name: ending.text() for name, ending in endings.items()},
        "slow body ended": endings["slow body"].event != OPEN,
    }


@APP_RUNNER.probe(
    "apprunner-second-operation",
    rows=["Second operation while one is in progress"],
    # The model of StartDeployment has no InvalidStateException.
    documented={"deployment": REFUSED, "pause": "InvalidStateException"},
    source=doc(f"{DOC_APP_RUNNER}/api/API_PauseService.html"),
    seconds=300,
    disruptive=True,
    needs=ON_APP_RUNNER,
)
def _second_operation(box: Sandbox) -> Observation:
    """How is an operation refused while another one is in progress?"""
    arn = box.stack.service_arn
    client = box.client("apprunner")

    def status() -> str:
        return str(client.describe_service(ServiceArn=arn)["Service"]["Status"])

    client.start_deployment(ServiceArn=arn)
    try:
        return {
            "deployment": box.outcome(lambda: client.start_deployment(ServiceArn=arn)),
            "pause": box.outcome(lambda: client.pause_service(ServiceArn=arn)),
        }
    finally:
        box.until(lambda: status() == "RUNNING", _OPERATION_SECONDS, "the deployment's end")


def _cluster(box: Sandbox) -> None:
    box.owns(CLUSTER, box.name)
    box.client("ecs").create_cluster(
        clusterName=box.name,
        tags=[{"key": each["Key"], "value": each["Value"]} for each in box.tags],
    )


def _task_definition(box: Sandbox, role: str, cpu: str, memory: str) -> str:
    """Register a task definition and remove it at once; return `accepted` or the error's code.

    Args:
        role: the ARN of its execution role.
    """
    ecs = box.client("ecs")

    def register() -> None:
        made = ecs.register_task_definition(
            family=box.name,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            executionRoleArn=role,
            cpu=cpu,
            memory=memory,
            containerDefinitions=[{"name": "probe", "image": "scratch", "essential": True}],
        )
        arn = made["taskDefinition"]["taskDefinitionArn"]
        ecs.deregister_task_definition(taskDefinition=arn)

    return box.outcome(register)


@ECS.probe(
    "ecs-task-sizes",
    rows=["CPU and memory of a task"],
    documented={
        "256 and 512": ACCEPTED,
        "256 and 4096": "ClientException",
        "300 and 512": "ClientException",
    },
    source=doc(f"{DOC_ECS}/developerguide/task_definition_parameters.html"),
    also=["iam"],
)
def _task_sizes(box: Sandbox) -> Observation:
    """Which pairs of CPU and memory are refused?"""
    pairs = (("256", "512"), ("256", "4096"), ("300", "512"))
    role = box.role("ecs-tasks.amazonaws.com")
    return {
        f"{cpu} and {memory}": _task_definition(box, role, cpu, memory) for cpu, memory in pairs
    }


@ECS.probe(
    "ecs-services",
    rows=["List of ECS's services", "Deleted ECS service or cluster in a description"],
    documented={
        "eleven services": "InvalidParameterException",
        "missing service": "MISSING",
        "missing cluster": "ClusterNotFoundException",
        "deleted cluster": "INACTIVE",
    },
    source=model("ecs"),
    seconds=15,
)
def _services(box: Sandbox) -> Observation:
    """How does ECS describe services and clusters that are missing or deleted?"""
    _cluster(box)
    ecs = box.client("ecs")

    def describe(number: int) -> Any:  # noqa: ANN401 - boto3's
        names = [f"missing-{each}" for each in range(number)]
        return ecs.describe_services(cluster=box.name, services=names)

    missing = describe(1)["failures"]
    many = box.outcome(lambda: describe(11))
    nowhere = box.outcome(
        lambda: ecs.describe_services(cluster=f"{box.name}-missing", services=["one"])
    )
    ecs.delete_cluster(cluster=box.name)
    described = ecs.describe_clusters(clusters=[box.name])["clusters"]
    return {
        "eleven services": many,
        "missing service": missing[0]["reason"],
        "missing cluster": nowhere,
        "deleted cluster": described[0]["status"] if described else None,
    }
