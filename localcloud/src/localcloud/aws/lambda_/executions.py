"""What ministack's invocations write and publish: Lambda's log events and metrics.

ministack writes nothing that a Python function logs below WARNING, publishes a throttled request as
an invocation, and no error of an asynchronous one.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from localcloud.aws.iam.roles import Roles
from localcloud.aws.lambda_ import invocation_log, invocation_metrics, python_runtime
from localcloud.aws.lambda_.invocation_error import with_exception
from localcloud.aws.lambda_.invocation_log import Invocation
from localcloud.aws.logs.metric_filter import LogEvent
from localcloud.aws.logs.store import LogStore
from localcloud.aws.metric_sender import Publish

_LOG = logging.getLogger(__name__)
_BEGIN: Final = '        _ms_ctx = _ms_msg.get("ctx") or {}\n'
_TRACE: Final = '"trace": traceback.format_exc()'
_DEFAULT_MEMORY: Final = 128


def log_as_lambda(runtime: Any) -> None:  # noqa: ANN401 - a module without types
    """Let Python functions log as in Lambda's runtime.

    Args:
        runtime: the module ministack.core.lambda_runtime.

    Raises:
        RuntimeError: this release of ministack has another script.
    """
    script = str(runtime._PYTHON_WORKER_SCRIPT)  # noqa: SLF001  ministack publishes no such place
    if script.count(_BEGIN) != 1 or script.count(_TRACE) != 1:
        raise RuntimeError("the script that runs Python functions is not the one of this release")
    source = Path(python_runtime.__file__).read_text(encoding="utf-8")
    runtime._PYTHON_WORKER_SCRIPT = (  # noqa: SLF001  the same
        f"{source}\n_runtime_log = RuntimeLog()\n_runtime_log.install()\n"
        + script.replace(
            _BEGIN, f'{_BEGIN}        _runtime_log.begin(_ms_ctx.get("request_id", ""))\n'
        ).replace(_TRACE, '"trace": _runtime_log.describe(e)')
    )


class Executions:
    """ministack's invocations."""

    def __init__(self, service: Any, runtime: Any, store: LogStore, roles: Roles) -> None:  # noqa: ANN401 - modules without types
        """Write the log of every invocation from now on.

        Args:
            service: the module ministack.services.lambda_svc.
            runtime: the module ministack.core.lambda_runtime.
            store: takes the events.
            roles: the account's roles; a function logs as far as its role may.
        """
        self._service = service
        self._store = store
        self._roles = roles
        self._publish: Publish = lambda _: None
        # An invocation stays in one thread.
        self._current = threading.local()
        service._emit_lambda_logs = self._write_log  # noqa: SLF001  ministack publishes no such places
        service._emit_lambda_metrics = lambda *_, **__: None  # noqa: SLF001
        service._acquire_execution_slot = self._counted(service._acquire_execution_slot)  # noqa: SLF001
        service._execute_function_dispatch = self._measured(service._execute_function_dispatch)  # noqa: SLF001
        for environment in (runtime.Worker, runtime.ProvidedWorker):
            environment._spawn = self._timed(environment._spawn)  # noqa: SLF001

    def publish_metrics(self, publish: Publish) -> None:
        """Publish the metrics of invocations from now on."""
        self._publish = publish

    def _counted(self, acquire: Callable[..., Any]) -> Callable[..., Any]:
        def acquire_and_count(func: Mapping[str, Any], config: Mapping[str, Any]) -> Any:  # noqa: ANN401 - ministack's
            result = acquire(func, config)
            if result[0] is None:
                self._publish(invocation_metrics.of_throttling(_resource(config), at=time.time()))
            else:
                self._current.in_flight = self._service.executions_in_flight()[1].get(result[0], 1)
            return result

        return acquire_and_count

    def _timed(self, start: Callable[..., None]) -> Callable[..., None]:
        def start_and_measure(*arguments: Any, **options: Any) -> None:  # noqa: ANN401 - ministack's
            began = time.monotonic()
            try:
                start(*arguments, **options)
            finally:
                self._current.initialization = time.monotonic() - began

        return start_and_measure

    def _measured(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        def execute_and_measure(
            func: Mapping[str, Any],
            config: Mapping[str, Any],
            event: Any,  # noqa: ANN401 - any JSON
            request_id: str,
            started: float,
        ) -> Any:  # noqa: ANN401 - ministack's
            self._current.initialization, self._current.began = None, time.monotonic()
            result = execute(func, config, event, request_id, started)
            self._publish(
                invocation_metrics.of_invocation(
                    _resource(config),
                    at=started,
                    seconds=self._seconds(),
                    failed=bool(result.get("error")),
                    in_flight=self._current.in_flight,
                )
            )
            log = result.get("log", "")
            result = with_exception(result, request_id)
            return {**result, "log": log.replace(python_runtime.SEPARATOR, "\n")}

        return execute_and_measure

    def _write_log(
        self,
        func: Mapping[str, Any],
        request_id: str,
        output: str,
        *_: object,
        **__: object,
    ) -> None:
        try:
            self._append(func, request_id, output)
        except Exception:  # the log must never fail an invocation  # noqa: BLE001
            _LOG.exception("the log of an invocation was lost")

    def _append(self, func: Mapping[str, Any], request_id: str, output: str) -> None:
        config = func.get("config") or func
        ended = time.time()
        invocation = Invocation(
            request_id=request_id,
            version=config.get("Version", "$LATEST"),
            ended=ended,
            seconds=self._seconds(),
            initialization=self._current.initialization,
            memory=config.get("MemorySize", _DEFAULT_MEMORY),
            peak_memory=self._service._probe_peak_memory_mb(func),  # noqa: SLF001  the same
        )
        group = (config.get("LoggingConfig") or {}).get("LogGroup")
        group = group or f"/aws/lambda/{config['FunctionName']}"
        day = time.strftime("%Y/%m/%d", time.gmtime(ended))
        stream = f"{day}/[{invocation.version}]{request_id.replace('-', '')}"
        if not self._may_log(config, group, stream):
            return
        self._store.append(
            group,
            stream,
            [
                LogEvent(at=ended, message=message)
                for message in invocation_log.messages(invocation, output)
            ],
        )

    def _may_log(self, config: Mapping[str, Any], group: str, stream: str) -> bool:
        # Source: "Execution role permissions" in the AWS Lambda Developer Guide.
        _, _, _, region, account, *_ = str(config["FunctionArn"]).split(":")
        arn = f"arn:aws:logs:{region}:{account}:log-group:{group}"
        wanted = {
            "logs:CreateLogStream": f"{arn}:log-stream:{stream}",
            "logs:PutLogEvents": f"{arn}:log-stream:{stream}",
        }
        if not self._store.has(group):
            wanted["logs:CreateLogGroup"] = arn
        return self._roles.allows(config["Role"], wanted)

    def _seconds(self) -> float:
        """Return how long the handler has run; Lambda's Duration is without the start."""
        total: float = time.monotonic() - self._current.began
        return max(0.0, total - (self._current.initialization or 0.0))


def _resource(config: Mapping[str, Any]) -> str:
    """Return the function's name, with the version or alias that was invoked."""
    return str(config["FunctionArn"]).partition(":function:")[2]
