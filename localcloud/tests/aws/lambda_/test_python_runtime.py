"""The log of Python functions."""

import logging
import re

import pytest

from localcloud.aws.lambda_.executions import log_as_lambda
from localcloud.aws.lambda_.python_runtime import RuntimeLog


def test_a_record_is_one_line_with_level_time_and_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = RuntimeLog()
    log.begin("1f2e")
    log.handle(
        logging.LogRecord(
            "function", logging.INFO, __file__, 1, "the answer\nis %d", (42,), exc_info=None
        )
    )
    assert re.fullmatch(
        r"\[INFO\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t1f2e\tthe answer\x1fis 42\n",
        capsys.readouterr().err,
    )


def test_an_exception_is_one_line_without_the_runtimes_frame() -> None:
    def handler() -> None:
        raise ValueError("no database")

    with pytest.raises(ValueError, match="no database") as caught:
        handler()
    lines = RuntimeLog.describe(caught.value).split("\x1f")
    assert lines[:2] == ["[ERROR] ValueError: no database", "Traceback (most recent call last):"]
    assert lines[-1].strip() == 'raise ValueError("no database")'
    assert len(lines) == 4


def test_another_release_of_ministack_is_refused() -> None:
    class Runtime:
        _PYTHON_WORKER_SCRIPT = "run()"

    with pytest.raises(RuntimeError, match="not the one of this release"):
        log_as_lambda(Runtime)
