"""Changes a service behind Pulumi's back, as somebody in the console would."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from automation.hosting.host import Service
from components.hosting.lambda_.definition import ALIAS
from components.settings import Hosting
from tests.stand_in import Aws

_TASK: Final = (
    "family",
    "cpu",
    "memory",
    "networkMode",
    "requiresCompatibilities",
    "executionRoleArn",
    "taskRoleArn",
    "runtimePlatform",
)
"""What a new revision of a task definition has from the one before, apart from its container."""


def change_environment(aws: Aws, hosting: Hosting, service: Service, name: str, value: str) -> None:
    """Give the server of a service another value of an environment variable."""
    _CHANGES[hosting](aws, service, {**service.environment, name: value})


def _on_app_runner(aws: Aws, service: Service, environment: Mapping[str, str]) -> None:
    source = service.described["SourceConfiguration"]
    image = source["ImageRepository"]
    configuration = {
        **image["ImageConfiguration"],
        "RuntimeEnvironmentVariables": dict(environment),
    }
    aws("apprunner").update_service(
        ServiceArn=service.id,
        SourceConfiguration={
            **source,
            "ImageRepository": {**image, "ImageConfiguration": configuration},
        },
    )


def _on_fargate(aws: Aws, service: Service, environment: Mapping[str, str]) -> None:
    task: dict[str, Any] = service.described["Task"]
    (container,) = task["containerDefinitions"]
    pairs = [{"name": name, "value": value} for name, value in environment.items()]
    registered = aws("ecs").register_task_definition(
        **{key: task[key] for key in _TASK if key in task},
        containerDefinitions=[{**container, "environment": pairs}],
    )
    aws("ecs").update_service(
        cluster=service.described["clusterArn"],
        service=service.id,
        taskDefinition=registered["taskDefinition"]["taskDefinitionArn"],
    )


def _on_lambda(aws: Aws, service: Service, environment: Mapping[str, str]) -> None:
    functions = aws("lambda")
    functions.update_function_configuration(
        FunctionName=service.id, Environment={"Variables": dict(environment)}
    )
    functions.get_waiter("function_updated_v2").wait(FunctionName=service.id)
    version = functions.publish_version(FunctionName=service.id)["Version"]
    functions.update_alias(FunctionName=service.id, Name=ALIAS, FunctionVersion=version)


_CHANGES: Final[Mapping[Hosting, Callable[[Aws, Service, Mapping[str, str]], None]]] = {
    Hosting.APP_RUNNER: _on_app_runner,
    Hosting.FARGATE: _on_fargate,
    Hosting.LAMBDA: _on_lambda,
}
