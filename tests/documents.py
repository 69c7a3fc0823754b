"""The examples in the documents."""

import re

from tests.repository import ROOT


def example(document: str, name: str) -> str:
    """Return a marked example of a document, unchanged."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = re.search(rf"<!-- example: {name} -->\n```\w+\n(.*?)\n```", text, re.DOTALL)
    assert found, f"{document} has no example {name}"
    return found.group(1)
