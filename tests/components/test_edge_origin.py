import pytest

from components.edge_origin import OriginAddress, edge_base_url, origin_address
from components.settings import EdgeDomain


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.us-east-1.awsapprunner.com", ("a.us-east-1.awsapprunner.com", 443)),
        ("https://a.lambda-url.us-east-1.on.aws/", ("a.lambda-url.us-east-1.on.aws", 443)),
        ("https://localhost:8443", ("localhost", 8443)),
    ],
)
def test_the_origin_is_the_hosts_address(url: str, expected: tuple[str, int]) -> None:
    assert origin_address(url) == OriginAddress(host=expected[0], port=expected[1])


@pytest.mark.parametrize("url", ["http://localhost:8443", "https://", "https://a.example/path", ""])
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="can't be the origin"):
        origin_address(url)


def test_a_custom_domain_replaces_the_distributions_own() -> None:
    domain = EdgeDomain(
        name="mcp.example.com",
        certificateArn="arn:aws:acm:us-east-1:123456789012:certificate/0-1",
    )

    assert edge_base_url("d1.cloudfront.net", None) == "https://d1.cloudfront.net"
    assert edge_base_url("d1.cloudfront.net", domain) == "https://mcp.example.com"
