"""What the edge does with requests, for the component and for those who check it. Pure."""

from typing import Final

# Source: "Use managed cache policies" in the Amazon CloudFront Developer Guide.
CACHING_DISABLED: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""The id of the managed cache policy of the same name."""
RATE_SECONDS: Final = 300
"""The period in which `edgeRequestsPerIp` requests of one address are allowed."""
