"""What a deletion can't take, and what can still be restored afterwards. Pure."""

from dataclasses import dataclass
from typing import Final

from components.settings import StackSettings

PROTECTED: Final[frozenset[str]] = frozenset(
    {
        # A new one has a new address or a new id, which callers and the Aura console know.
        "aws:apprunner/service:Service",
        "aws:cloudfront/distribution:Distribution",
        "aws:cognito/resourceServer:ResourceServer",
        "aws:cognito/userPool:UserPool",
        "aws:cognito/userPoolClient:UserPoolClient",
        "aws:cognito/userPoolDomain:UserPoolDomain",
        "aws:lambda/alias:Alias",
        "aws:lambda/functionUrl:FunctionUrl",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:secretsmanager/secret:Secret",
        # Its images go with it, and the service starts new instances from them.
        "aws:ecr/repository:Repository",
        # Without one no token is issued, without others no secret is rotated or deleted, and on
        # Lambda no request reaches the server.
        "aws:lambda/permission:Permission",
    }
)
"""The types of resources that ``deletionProtection`` protects."""


@dataclass(frozen=True, kw_only=True)
class Protection:
    """How a stack's resources are protected and retained.

    Attributes:
        deletion: whether resources of the types in `PROTECTED` are protected.
        retain_claims_log: whether the claims function's log outlives the stack.
        log_retention_days: days that a log event is kept.
        secret_recovery_days: days in which a deleted secret can be restored; 0 for none.
    """

    deletion: bool
    retain_claims_log: bool
    log_retention_days: int
    secret_recovery_days: int

    @classmethod
    def configured(cls, settings: StackSettings) -> "Protection":
        """Return the protection that a stack's configuration asks for."""
        return cls(
            deletion=settings.deletion_protection,
            retain_claims_log=settings.retain_claims_log,
            log_retention_days=settings.log_retention_days,
            secret_recovery_days=settings.secret_recovery_days,
        )

    def protects(self, kind: str) -> bool | None:
        """Return Pulumi's option ``protect``; None for a type that is never protected.

        Args:
            kind: the resource's type, as in ``aws:ecr/repository:Repository``.
        """
        return self.deletion if kind in PROTECTED else None
