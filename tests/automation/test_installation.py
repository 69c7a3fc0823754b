"""Tools are installed by one process at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from automation.installation import InstallationError, installing

_LIMIT = 30


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_a_thread_stops_waiting_for_another_process() -> None:
    stopping, looked = threading.Event(), threading.Event()

    def is_stopping() -> bool:
        looked.set()
        return stopping.is_set()

    def install() -> None:
        with installing(is_stopping):
            pass

    # The lock is released first, so that nothing waits for it if this fails.
    with ThreadPoolExecutor() as pool, installing():
        waiting = pool.submit(install)
        assert looked.wait(_LIMIT)
        assert not waiting.done()
        stopping.set()
        assert isinstance(waiting.exception(_LIMIT), InstallationError)


def test_the_next_one_installs_after_the_first() -> None:
    with installing() as first:
        pass
    with installing(lambda: False) as second:
        assert second == first
