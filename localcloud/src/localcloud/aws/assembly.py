"""Puts the endpoint's services together, each in one function."""

import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker
from starlette.types import ASGIApp

from localcloud.aws import control
from localcloud.aws.account import Account
from localcloud.aws.apprunner import app as apprunner
from localcloud.aws.apprunner.controller import Timing as AppRunnerTiming
from localcloud.aws.apprunner.customers import Customers
from localcloud.aws.apprunner.thread import AppRunnerSettings, AppRunnerThread
from localcloud.aws.autoscaling import app as autoscaling
from localcloud.aws.autoscaling.models import ScalingState
from localcloud.aws.autoscaling.operations import ApplicationAutoScaling
from localcloud.aws.autoscaling.resources import AccountResources
from localcloud.aws.autoscaling.scaler import Scaler
from localcloud.aws.cloudfront import access_log as edge_log
from localcloud.aws.cloudfront import metrics as edge_metrics
from localcloud.aws.cloudfront.service import Edge
from localcloud.aws.cloudfront.thread import EdgeSettings
from localcloud.aws.cloudtrail import app as cloudtrail
from localcloud.aws.cloudtrail.models import History
from localcloud.aws.cloudwatch import app as cloudwatch
from localcloud.aws.cloudwatch.actions import AlarmActions
from localcloud.aws.cloudwatch.service import CloudWatchService
from localcloud.aws.cognito import app as cognito
from localcloud.aws.cognito.models import ClientSecrets
from localcloud.aws.containers import ImageStore
from localcloud.aws.context import ServiceContext
from localcloud.aws.ec2.app import Ec2App
from localcloud.aws.ecr import app as ecr
from localcloud.aws.ecr.models import Registry
from localcloud.aws.ecs import app as ecs
from localcloud.aws.ecs.controller import Timing as EcsTiming
from localcloud.aws.ecs.thread import EcsSettings, EcsThread
from localcloud.aws.elbv2 import access_log as balancer_log
from localcloud.aws.elbv2 import app as elbv2
from localcloud.aws.elbv2.network import AccountNetwork
from localcloud.aws.elbv2.service import LoadBalancingSettings
from localcloud.aws.events import app as events
from localcloud.aws.events.bus import EventBus
from localcloud.aws.events.invocations import Invocations
from localcloud.aws.events.models import Rules
from localcloud.aws.events.operations import EventBridge
from localcloud.aws.events.schedules import Schedules
from localcloud.aws.events.targets import LogGroups, Targets
from localcloud.aws.functions import Functions
from localcloud.aws.iam import app as iam
from localcloud.aws.iam.roles import Roles
from localcloud.aws.lambda_ import app as function_urls
from localcloud.aws.lambda_ import concurrency, versions
from localcloud.aws.lambda_.executions import Executions
from localcloud.aws.lambda_.functions import AccountFunctions
from localcloud.aws.lambda_.thread import FunctionUrlSettings, FunctionUrlThread
from localcloud.aws.logs import app as logs
from localcloud.aws.logs import delivery_app as delivery
from localcloud.aws.logs.deliveries import Deliveries, Source
from localcloud.aws.logs.encryption import Keys
from localcloud.aws.logs.metric_filters import MetricFilters
from localcloud.aws.logs.store import LogStore
from localcloud.aws.logs.vended import VendedLogs
from localcloud.aws.metric_sender import MetricSender, Publish
from localcloud.aws.movable_clock import MovableClock
from localcloud.aws.own_service import OwnService, has_target, is_signed_for, without_target
from localcloud.aws.passing_time import PassingTime
from localcloud.aws.route53 import app as route53
from localcloud.aws.secretsmanager import app as secretsmanager
from localcloud.aws.secretsmanager.models import Secrets
from localcloud.aws.secretsmanager.operations import SecretsManager
from localcloud.aws.secretsmanager.rotation import Retries, Rotations
from localcloud.aws.service_events import SendEvent
from localcloud.aws.sns import app as sns
from localcloud.aws.sns.endpoints import Endpoints, Queues
from localcloud.aws.sns.https import Urls
from localcloud.aws.sns.models import Topics
from localcloud.aws.sns.operations import Sns
from localcloud.aws.sns.publisher import Publisher
from localcloud.certificates import CertificateAuthority

_SCALING_MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class EndpointOptions:
    """What the command line says about the services.

    Attributes:
        host: the address that services listen on.
        ports: the ports of services, function URLs and distributions, one each.
        owner: the value of the owner label on every container.
        node: the Node command for CloudFront's functions.
        request_timeout, scale_in_after, metrics_period, idle_target_drain, settle_time,
        client_secret_delay, rotation_retry_after, edge_deployment, rate_period: see the flags of
            `python -m localcloud.aws`; in seconds.
    """

    host: str
    ports: Sequence[int]
    owner: str
    node: str
    request_timeout: float
    scale_in_after: float
    metrics_period: float
    idle_target_drain: float
    settle_time: float
    client_secret_delay: float
    rotation_retry_after: float
    edge_deployment: float
    rate_period: float


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What services use.

    Attributes:
        account: the account's services, as another service of it sees them.
        context: where and when they run.
        registry: the addresses of the account's images.
        ecr: ECR, which serves the images.
        docker_client: the Docker Engine.
        images: its images.
        authority: signs the certificates of names.
        certificate: the certificate of this machine's names.
        ministack: answers for the services that are missing here.
        end_environments: ends the environments of a version of a function, given both.
        log_store: ministack's log groups.
        executions: ministack's invocations of functions.
        roles: ministack's roles.
        history: CloudTrail's event history.
    """

    account: Account
    context: ServiceContext
    registry: Registry
    ecr: ecr.EcrApp
    docker_client: docker.DockerClient
    images: ImageStore
    authority: CertificateAuthority
    certificate: ssl.SSLContext
    ministack: ASGIApp
    end_environments: Callable[[str, str], None]
    log_store: LogStore
    executions: Executions
    roles: Roles
    history: History


def own_services(on: Surroundings, options: EndpointOptions) -> list[OwnService]:
    """Return the services that aren't ministack's, in the order in which they start.

    A request goes to the first that handles it. To add a service, add its function below, and its
    result here.
    """
    functions = Functions(on.ministack, on.context.account_id)
    publisher = _publisher(on, functions)
    stored_rules = Rules()
    invocations = Invocations(
        targets=Targets(functions=functions, topics=publisher, logs=LogGroups(on.account)),
        put_metrics=on.account.put_metrics,
    )
    bus = EventBus(stored_rules, invocations, on.context)
    metrics = MetricSender(on.account.put_metrics)
    on.executions.publish_metrics(metrics.add)
    deliveries = Deliveries()
    vended = VendedLogs(deliveries, on.account)
    load_balancers = _load_balancers(on, options, vended)
    tasks = _tasks(on, options, load_balancers, bus.put)
    clock = MovableClock(on.context.clock)
    cloudwatch_service = CloudWatchService(
        on.context, clock, AlarmActions(publisher, functions).execute
    )
    schedules = Schedules(stored_rules, invocations, on.context, clock)
    time = PassingTime(
        clock, before=[metrics.send], due=[schedules.run_due, cloudwatch_service.run_due]
    )

    def groups_in_use() -> Collection[str]:
        return {*load_balancers.security_groups(), *tasks.security_groups()}

    services = [
        *_cognito(on, options),
        _ecr(on),
        _ec2(on, groups_in_use),
        _iam(on),
        _route_53(on),
        _secrets_manager(on, options, functions),
        *_sns(on, publisher),
        _event_bridge(on, stored_rules, schedules, bus),
        _cloudwatch(cloudwatch_service, time),
        _app_runner(on, options, bus.put),
        _elastic_load_balancing(load_balancers),
        _ecs(tasks),
        _auto_scaling(on, options, cloudwatch_service),
        *_lambda(on, options, metrics),
        _deliveries(on, deliveries, vended),
        _logs(on, metrics),
        _cloudtrail(on),
        *_edge(on, options, load_balancers, vended, metrics.add),
    ]
    return [*services, _control(services)]


def _app_runner(on: Surroundings, options: EndpointOptions, send_event: SendEvent) -> OwnService:
    customers = Customers()
    thread = AppRunnerThread(
        AppRunnerSettings(
            account=on.account,
            registry=on.registry,
            docker_client=on.docker_client,
            images=on.images,
            owner=options.owner,
            host=options.host,
            ports=options.ports,
            context=on.certificate,
            timing=AppRunnerTiming(
                request_timeout=options.request_timeout,
                idle_period=options.scale_in_after,
                metrics_period=options.metrics_period,
            ),
            send_event=send_event,
        )
    )

    async def set_open(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        customers.set_open(control.flag(parameters, "Open"))
        return {}

    return OwnService(
        name="apprunner",
        application=apprunner.AppRunnerApp(thread, on.registry, customers),
        handles=has_target(apprunner.TARGET_PREFIX),
        start=thread.start,
        stop=thread.stop,
        operations={"SetAppRunnerOpen": set_open},
    )


def _tasks(
    on: Surroundings,
    options: EndpointOptions,
    load_balancers: elbv2.LoadBalancerThread,
    send_event: SendEvent,
) -> EcsThread:
    return EcsThread(
        EcsSettings(
            account=on.account,
            registry=on.registry,
            targets=load_balancers,
            docker_client=on.docker_client,
            images=on.images,
            owner=options.owner,
            context=on.context,
            timing=EcsTiming(settle_time=options.settle_time),
            metrics_period=options.metrics_period,
            send_event=send_event,
        )
    )


def _ecs(tasks: EcsThread) -> OwnService:
    return OwnService(
        name="ecs",
        application=ecs.ecs_app(tasks),
        handles=has_target(ecs.TARGET_PREFIX),
        start=tasks.start,
        stop=tasks.stop,
    )


def _load_balancers(
    on: Surroundings, options: EndpointOptions, vended: VendedLogs
) -> elbv2.LoadBalancerThread:
    def log(load_balancer: str, entry: balancer_log.AccessEntry) -> None:
        source = Source(resource_arn=load_balancer, log_type=delivery.LOAD_BALANCER_LOG)
        vended.add(source, entry.load_balancer.replace("/", "_"), entry.fields())

    return elbv2.LoadBalancerThread(
        LoadBalancingSettings(
            host=options.host,
            tls=elbv2.tls_contexts(on.authority),
            idle_drain=options.idle_target_drain,
            metrics_period=options.metrics_period,
            log=log,
        ),
        AccountNetwork(on.account),
        on.context,
        on.account.put_metrics,
    )


def _elastic_load_balancing(load_balancers: elbv2.LoadBalancerThread) -> OwnService:
    return OwnService(
        name=elbv2.SERVICE,
        application=load_balancers.api,
        handles=is_signed_for(elbv2.SERVICE),
        start=load_balancers.start,
        stop=load_balancers.stop,
    )


def _auto_scaling(
    on: Surroundings, options: EndpointOptions, metrics: CloudWatchService
) -> OwnService:
    state, resources = ScalingState(), AccountResources(on.account, metrics)
    scaler = Scaler(state, resources, on.context, minute=_SCALING_MINUTE)
    set_minute = autoscaling.set_scaling_minute(scaler, options.metrics_period)
    return OwnService(
        name=autoscaling.SERVICE,
        application=autoscaling.autoscaling_app(
            ApplicationAutoScaling(state, resources, on.context)
        ),
        handles=has_target(autoscaling.TARGET_PREFIX),
        periodic=[scaler.run_due],
        operations={"SetScalingMinute": set_minute},
    )


def _lambda(on: Surroundings, options: EndpointOptions, metrics: MetricSender) -> list[OwnService]:
    thread = FunctionUrlThread(
        FunctionUrlSettings(
            functions=AccountFunctions(on.account),
            host=options.host,
            ports=options.ports,
            context=on.certificate,
            publish=metrics.add,
        )
    )
    limits = concurrency.ConcurrencyApp(on.ministack)

    async def set_limit(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        limits.set_limit(int(control.number(parameters, "Limit")))
        return {}

    return [
        OwnService(
            name="lambda",
            application=function_urls.FunctionUrlApp(thread, on.ministack),
            handles=without_target(function_urls.handles),
            start=thread.start,
            stop=thread.stop,
        ),
        OwnService(
            name="lambda",
            application=limits,
            handles=without_target(concurrency.handles),
            operations={"SetConcurrencyLimit": set_limit},
        ),
        OwnService(
            name="lambda",
            application=versions.VersionsApp(on.ministack, on.end_environments),
            handles=without_target(versions.handles),
        ),
    ]


def _deliveries(on: Surroundings, deliveries: Deliveries, vended: VendedLogs) -> OwnService:
    """Return the part of CloudWatch Logs that changes deliveries; `_logs` is the rest."""
    return OwnService(
        name="logs",
        application=delivery.DeliveryApp(on.ministack, deliveries, on.account, on.context.region),
        handles=delivery.handles,
        periodic=[vended.send],
    )


def _logs(on: Surroundings, metrics: MetricSender) -> OwnService:
    filters = MetricFilters(metrics.add)
    on.log_store.listen(filters.receive)
    return OwnService(
        name="logs",
        application=logs.LogsApp(
            on.ministack, on.log_store, Keys(on.ministack, on.context), filters
        ),
        handles=has_target(logs.TARGET_PREFIX),
        periodic=[metrics.send],
    )


def _cloudtrail(on: Surroundings) -> OwnService:
    operations = cloudtrail.CloudTrail(on.history, on.context.clock)
    return OwnService(
        name=cloudtrail.SERVICE,
        application=cloudtrail.cloudtrail_app(operations),
        handles=is_signed_for(cloudtrail.SERVICE),
    )


def _edge(
    on: Surroundings,
    options: EndpointOptions,
    load_balancers: elbv2.LoadBalancerThread,
    vended: VendedLogs,
    publish: Publish,
) -> list[OwnService]:
    def log(distribution: str, entry: edge_log.AccessEntry) -> None:
        publish(edge_metrics.request_metrics(distribution, entry.status, entry.answered))
        arn = f"arn:aws:cloudfront::{on.context.account_id}:distribution/{distribution}"
        source = Source(resource_arn=arn, log_type=delivery.EDGE_LOG)
        vended.add(source, f"CloudFront_{distribution}", entry.fields())

    edge = Edge(
        EdgeSettings(
            node=options.node,
            host=options.host,
            ports=options.ports,
            authority=on.authority,
            log=log,
        ),
        on.account,
        on.context,
        deployment_seconds=options.edge_deployment,
        rate_period=options.rate_period,
        internal_address=load_balancers.internal_address,
    )
    return [
        OwnService(
            name="cloudfront",
            application=edge.applications["cloudfront"],
            handles=is_signed_for("cloudfront"),
            start=edge.start,
            stop=edge.stop,
        ),
        OwnService(
            name="wafv2",
            application=edge.applications["wafv2"],
            handles=is_signed_for("wafv2"),
        ),
    ]


def _cognito(on: Surroundings, options: EndpointOptions) -> list[OwnService]:
    client_secrets = ClientSecrets(clock=on.context.clock, delay=options.client_secret_delay)
    application = cognito.CognitoApp(on.ministack, on.context.region, client_secrets)

    async def set_delay(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        client_secrets.set_delay(control.number(parameters, "Seconds"))
        return {}

    return [
        # By its path before any target, or a target would avoid the check of the token's claims.
        OwnService(
            name="cognito-idp",
            application=application.serve_token,
            handles=lambda request: request.scope["path"] == cognito.TOKEN_PATH,
        ),
        OwnService(
            name="cognito-idp",
            application=application.serve_api,
            handles=has_target(cognito.TARGET_PREFIX),
            operations={"SetClientSecretDelay": set_delay},
        ),
    ]


def _ecr(on: Surroundings) -> OwnService:
    return OwnService(
        name="ecr", application=on.ecr.serve_api, handles=has_target(ecr.TARGET_PREFIX)
    )


def _ec2(on: Surroundings, groups_in_use: Callable[[], Collection[str]]) -> OwnService:
    return OwnService(
        name="ec2",
        application=Ec2App(on.ministack, groups_in_use=groups_in_use),
        handles=is_signed_for("ec2"),
    )


def _iam(on: Surroundings) -> OwnService:
    return OwnService(
        name=iam.SERVICE,
        application=iam.IamApp(on.ministack, on.roles),
        handles=is_signed_for(iam.SERVICE),
    )


def _route_53(on: Surroundings) -> OwnService:
    return OwnService(
        name=route53.SERVICE,
        application=route53.Route53App(on.ministack),
        handles=is_signed_for(route53.SERVICE),
    )


def _secrets_manager(
    on: Surroundings, options: EndpointOptions, functions: Functions
) -> OwnService:
    secrets = Secrets()
    rotations = Rotations(
        secrets,
        functions,
        clock=on.context.clock,
        retries=Retries(pause=options.rotation_retry_after),
    )
    operations = SecretsManager(secrets, rotations, functions, on.context)
    return OwnService(
        name="secretsmanager",
        application=secretsmanager.SecretsManagerApp(operations, on.ministack),
        handles=has_target(secretsmanager.TARGET_PREFIX),
        periodic=[rotations.start_due],
        operations={
            "MakeRotationDue": operations.make_rotation_due,
            "RemoveDeprecatedVersions": operations.remove_deprecated_versions,
        },
    )


def _publisher(on: Surroundings, functions: Functions) -> Publisher:
    return Publisher(
        topics=Topics(),
        endpoints=Endpoints(
            functions=functions,
            queues=Queues(on.account),
            urls=Urls(
                tls=on.authority.client_context(), address=f"http://{on.registry.local_host}"
            ),
        ),
        context=on.context,
        put_metrics=on.account.put_metrics,
    )


def _sns(on: Surroundings, publisher: Publisher) -> list[OwnService]:
    operations = Sns(publisher.topics, publisher, on.context)
    api = sns.sns_app(operations)
    return [
        OwnService(
            name=sns.SERVICE,
            application=api,
            handles=is_signed_for(sns.SERVICE),
            operations={
                "ConfirmSubscriptions": operations.confirm_subscriptions,
                "ListMessages": operations.list_messages,
            },
        ),
        OwnService(
            name=sns.SERVICE,
            application=sns.confirmation_app(api),
            handles=without_target(sns.is_confirmation),
        ),
    ]


def _event_bridge(
    on: Surroundings, stored: Rules, schedules: Schedules, bus: EventBus
) -> OwnService:
    operations = EventBridge(stored, schedules, bus, on.context)
    return OwnService(
        name="events",
        application=events.events_app(operations),
        handles=has_target(events.TARGET_PREFIX),
        periodic=[schedules.run_due, bus.deliver_waiting],
        operations={"RunRule": operations.run_rule},
    )


def _cloudwatch(metrics: CloudWatchService, time: PassingTime) -> OwnService:
    return OwnService(
        name=cloudwatch.SERVICE,
        application=cloudwatch.cloudwatch_app(metrics.api),
        handles=has_target(cloudwatch.TARGET_PREFIX),
        periodic=[metrics.run_due],
        operations={"MoveClock": time.move},
    )


def _control(services: Sequence[OwnService]) -> OwnService:
    operations = {name: run for each in services for name, run in each.operations.items()}
    return OwnService(
        name=control.SERVICE,
        application=control.ControlApp(operations),
        handles=has_target(control.TARGET_PREFIX),
    )
