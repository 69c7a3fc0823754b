"""What a stack's configuration makes right or wrong. Pure."""

from dataclasses import dataclass
from typing import Self

from components.hosting.fargate.settings import FargateSettings
from components.names import ResourceNames
from components.settings import Hosting, StackSettings


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What the rules need to know of a stack's configuration.

    Attributes:
        protected: whether what can't be created again as it was must be protected.
        moves: whether the stack has two hosts, of which callers use one.
        encrypted_logs: whether every log group must have a KMS key.
        public_functions: names of the functions that everyone may call at their URL.
        caller_ports: ports at which a load balancer may be open to everyone.
    """

    protected: bool
    moves: bool
    encrypted_logs: bool
    public_functions: frozenset[str]
    caller_ports: frozenset[int]

    @classmethod
    def of(cls, settings: StackSettings, names: ResourceNames) -> Self:
        """Return what a stack's configuration expects; of both hosts while the stack moves."""
        hosts = [settings, *([settings.on_other_host()] if settings.other else [])]
        on_lambda = any(each.hosting is Hosting.LAMBDA for each in hosts)
        domains = [
            each.host_as(FargateSettings).service_domain
            for each in hosts
            if each.hosting is Hosting.FARGATE
        ]
        return cls(
            protected=settings.deletion_protection,
            moves=settings.other is not None,
            encrypted_logs=settings.log_key_arn is not None,
            public_functions=frozenset({names.server_function} if on_lambda else ()),
            caller_ports=frozenset(domain.port for domain in domains if domain),
        )
