"""What commands print on standard error: progress and notices, which aren't results."""

from typing import Final

from automation.terminal import console

NO_REPORT: Final = "no report is written; the last one, if any, is unchanged"

messages: Final = console(stderr=True, soft_wrap=True)
