from collections.abc import Sequence
from dataclasses import dataclass, field

from localcloud.aws.logs.deliveries import Deliveries, Source
from localcloud.aws.logs.vended import VendedLogs

SOURCE = Source(resource_arn="arn:lb", log_type="ALB_ACCESS_LOGS")
OTHER = Source(resource_arn="arn:lb-2", log_type="ALB_ACCESS_LOGS")


@dataclass
class Groups:
    """Log groups, by their names."""

    groups: dict[str, list[str]] = field(default_factory=dict)
    fails: bool = False

    async def create_log_stream(self, group: str, stream: str) -> bool:
        assert stream == "stream"
        if self.fails:
            raise ConnectionError
        return group in self.groups

    async def put_log_events(
        self,
        group: str,
        stream: str,
        events: Sequence[tuple[int, str]],
        *,
        creates_group: bool = True,
    ) -> None:
        assert (stream, creates_group) == ("stream", False)
        self.groups[group] += [message for _, message in events]


def delivering(*groups: str) -> Deliveries:
    deliveries = Deliveries()
    deliveries.put_source("source", SOURCE)
    for group in groups:
        deliveries.put_destination(group, group)
        deliveries.add(group, source="source", destination=group)
    return deliveries


async def test_entries_reach_the_groups_of_their_source() -> None:
    groups = Groups({"a": [], "b": [], "c": []})
    vended = VendedLogs(delivering("a", "b"), groups)

    vended.add(SOURCE, "stream", {"n": "1"})
    vended.add(OTHER, "stream", {"n": "2"})
    await vended.send()
    await vended.send()

    assert groups.groups == {"a": ['{"n":"1"}'], "b": ['{"n":"1"}'], "c": []}


async def test_entries_for_a_missing_group_are_lost_and_create_none() -> None:
    groups = Groups()
    vended = VendedLogs(delivering("a"), groups)

    vended.add(SOURCE, "stream", {"n": "1"})
    await vended.send()
    assert groups.groups == {}


async def test_a_failure_stops_no_later_entry() -> None:
    groups = Groups({"a": []}, fails=True)
    vended = VendedLogs(delivering("a"), groups)
    vended.add(SOURCE, "stream", {"n": "1"})
    await vended.send()

    groups.fails = False
    vended.add(SOURCE, "stream", {"n": "2"})
    await vended.send()
    assert groups.groups == {"a": ['{"n":"2"}']}


def test_nothing_is_delivered_without_each_part() -> None:
    deliveries = delivering("a")
    assert deliveries.groups(SOURCE) == ["a"]
    assert deliveries.is_used(source="source")
    assert deliveries.is_used(destination="a")

    deliveries.remove("a")
    assert deliveries.groups(SOURCE) == []
    assert not deliveries.is_used(source="source")

    deliveries.add("again", source="source", destination="a")
    deliveries.remove_destination("a")
    assert deliveries.groups(SOURCE) == []

    deliveries.remove_source("source")
    assert deliveries.name_of(SOURCE) is None
