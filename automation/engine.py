"""The Pulumi CLI as a child process that ends in order."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi.automation.errors import create_command_error

_OnOutput = Callable[[str], Any]


class EngineCommand(automation.PulumiCommand):
    """Runs the Pulumi CLI in a separate process group, which a terminal's signals don't reach.

    They reach only this process, which then has the engine finish what it has begun, save its
    state and free its lock. A terminal's SIGHUP would kill the engine in the middle.
    """

    _running: subprocess.Popen[str] | None = None

    def interrupt(self) -> None:
        """Have the command that is running end in order, from another thread; if there is one."""
        process = self._running
        if process is not None:
            process.send_signal(signal.SIGINT)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: _OnOutput | None = None,
        on_error: _OnOutput | None = None,
    ) -> automation.CommandResult:
        """Run a command of the CLI.

        Args:
            on_output: called with each line of its standard output, once it has ended.
            on_error: called with each line of its standard error, once it has ended.

        Raises:
            CommandError: it failed.
            KeyboardInterrupt: it was interrupted, and has ended in order.
        """
        with subprocess.Popen(
            [self.command, "--non-interactive", *args],
            cwd=cwd,
            env=self._environment(additional_env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            process_group=0,
        ) as process:
            self._running = process
            try:
                output, errors = process.communicate()
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)
                process.communicate()
                raise
            finally:
                self._running = None
        for text, on_line in ((output, on_output), (errors, on_error)):
            if on_line is not None:
                for line in text.splitlines():
                    on_line(line)
        result = automation.CommandResult(
            stdout=output.rstrip(), stderr=errors.rstrip(), code=process.returncode
        )
        if result.code != 0:
            raise create_command_error(result)
        return result

    def _environment(self, additional: Mapping[str, str]) -> dict[str, str]:
        environment = {**os.environ, **additional, "PULUMI_AUTOMATION_API": "true"}
        command = Path(self.command)
        if command.is_absolute():
            # Plug-ins next to the engine come before others of their name.
            environment["PATH"] = f"{command.parent}{os.pathsep}{environment['PATH']}"
        return environment
