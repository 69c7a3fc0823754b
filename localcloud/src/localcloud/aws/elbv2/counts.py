"""The requests of a load balancer, counted for its metrics."""

from collections import Counter
from dataclasses import dataclass, field

_MILLISECONDS = 1000


@dataclass(frozen=True, kw_only=True)
class ServedRequest:
    """One request.

    Attributes:
        status: the status of its response.
        is_own: whether the load balancer responded itself.
        reached_target: whether it was sent to a target.
        seconds: the time to the end of the response.
    """

    status: int
    is_own: bool
    reached_target: bool
    seconds: float


@dataclass(kw_only=True)
class RequestTotals:
    """The requests of a period that were for one target group.

    Attributes:
        requests: the requests.
        sent: those that were sent to a target.
        target_statuses: the targets' responses, by the first digit of their status.
        own_statuses: the load balancer's own responses, by their status.
        response_times: the targets' responses, by their time in milliseconds.
    """

    requests: int = 0
    sent: int = 0
    target_statuses: Counter[int] = field(default_factory=Counter)
    own_statuses: Counter[int] = field(default_factory=Counter)
    response_times: Counter[int] = field(default_factory=Counter)

    def add(self, request: ServedRequest) -> None:
        """Count a request."""
        self.requests += 1
        self.sent += request.reached_target
        if request.is_own:
            self.own_statuses[request.status] += 1
        else:
            self.target_statuses[request.status // 100] += 1
            self.response_times[round(request.seconds * _MILLISECONDS)] += 1
