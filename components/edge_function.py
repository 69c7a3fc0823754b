"""The code of the edge's CloudFront function, with the stack's addresses. Pure."""

import json
from pathlib import Path
from typing import Final

from components.endpoints import Endpoints

# Source: "Quotas on CloudFront Functions" in the Amazon CloudFront Developer Guide.
LARGEST_FUNCTION: Final = 10 * 1024
"""Bytes that the code of a CloudFront function may have."""
_SOURCE: Final = Path(__file__).parent.parent / "functions" / "edge" / "handler.js"


def function_code(endpoints: Endpoints, *, mcp_path: str) -> str:
    """Return the function's code.

    Args:
        endpoints: the user pool's addresses.
        mcp_path: the path of the MCP endpoint, the same at the edge and at the host.
    """
    settings = {
        "tokenUrl": endpoints.token_url,
        "authorizeUrl": endpoints.authorize_url,
        "jwksUrl": endpoints.jwks_url,
        "mcpPath": mcp_path,
    }
    source = _SOURCE.read_text(encoding="utf-8")
    return f"const SETTINGS = {json.dumps(settings)};\n{source}"
