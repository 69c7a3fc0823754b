"""How long a call of the client library may take, derived from its time limits. In seconds."""

from typing import Final

from neo4j_mcp_client.calls import BACK_OFF, TIMEOUT
from neo4j_mcp_client.tokens import longest_wait
from neo4j_mcp_client.transport import CONNECT_TIMEOUT

LONGEST_TOKEN: Final = longest_wait()
"""Until there is a token, or none, with retries."""

LONGEST_REQUEST: Final = CONNECT_TIMEOUT + TIMEOUT
"""One request to the server."""

LONGEST_WITH_TOKEN: Final = BACK_OFF.limit + LONGEST_REQUEST
"""A call with its retries, if there is a token."""

# A token that is refused is replaced once.
LONGEST_CALL: Final = BACK_OFF.limit + 2 * (LONGEST_TOKEN + LONGEST_REQUEST)
"""A call with its retries, whatever happens."""
