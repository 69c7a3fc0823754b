from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aws.logs import event_pages
from localcloud.aws.logs.event_pages import EventPage, PageTokenError


def _ministack(events: list[dict[str, Any]], request: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Answer as ministack does: the first events from a time on, without a token."""
    found = [each for each in events if each["timestamp"] >= request.get("startTime", 0)]
    return {"events": found[: request["limit"]], "searchedLogStreams": []}


def _all_pages(events: list[dict[str, Any]], **parameters: Any) -> list[list[dict[str, Any]]]:  # noqa: ANN401
    pages = []
    token: dict[str, Any] = {}
    while True:
        page = EventPage.of({**parameters, **token})
        result = page.result(_ministack(events, page.request))
        pages.append(result["events"])
        if "nextToken" not in result:
            return pages
        token = {"nextToken": result["nextToken"]}


@given(
    st.lists(st.integers(min_value=0, max_value=5)),
    st.integers(min_value=1, max_value=9),
    st.data(),
)
def test_pages_have_each_event_once(times: list[int], limit: int, data: st.DataObject) -> None:
    since = data.draw(st.integers(min_value=0, max_value=3))
    events = [{"timestamp": each, "id": number} for number, each in enumerate(sorted(times))]

    pages = _all_pages(events, startTime=since, limit=limit)

    assert [each for page in pages for each in page] == [
        each for each in events if each["timestamp"] >= since
    ]
    assert max(map(len, pages)) <= limit


def test_a_page_has_no_more_than_aws_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_pages, "_MOST", 3)
    events = [{"timestamp": each // 2, "id": each} for each in range(8)]

    pages = _all_pages(events, limit=7)

    assert [each["id"] for page in pages for each in page] == list(range(8))
    assert max(map(len, pages)) <= 3


def test_more_events_of_a_millisecond_than_a_page_has_end_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_pages, "_MOST", 2)
    events = [{"timestamp": each // 3, "id": each} for each in range(6)]

    assert len(_all_pages(events)) < 10


@pytest.mark.parametrize("token", ["", "?", "MQ==", "MS8y=x", "YS9i"])
def test_other_tokens_are_refused(token: str) -> None:
    with pytest.raises(PageTokenError, match="nextToken is invalid"):
        EventPage.of({"nextToken": token})
