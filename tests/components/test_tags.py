from components.settings import RESERVED_TAGS
from components.tags import resource_tags


def test_configured_tags_are_added_to_the_programs_own() -> None:
    tags = resource_tags(project="neo4j-mcp", stack="dev", configured={"Team": "graph"})

    assert tags == {
        "Project": "neo4j-mcp",
        "Stack": "dev",
        "ManagedBy": "pulumi",
        "Team": "graph",
    }


def test_the_programs_own_tags_are_the_reserved_ones() -> None:
    assert set(resource_tags(project="p", stack="s", configured={})) == set(RESERVED_TAGS)
