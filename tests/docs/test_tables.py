import pytest
import yaml

from docs.tables import REPOSITORY, MarkerError, configuration_table, with_table


def test_a_row_says_what_a_key_is() -> None:
    table = configuration_table(
        {
            "uri": {"type": "string", "description": "Ends in <host>, or a|b."},
            "size": {"type": "integer", "default": 0, "description": "How many."},
            "on": {"type": "boolean", "default": False, "description": "Whether."},
            "name": {"type": "string", "default": "x", "description": "Which."},
            "prefix": {"type": "string", "default": "", "description": "What first."},
            "tags": {"type": "object", "default": {}, "description": "More."},
            "check": {"type": "object", "default": {"path": "/"}, "description": "How."},
        }
    )

    assert table.splitlines()[2:] == [
        r"| `uri` | string | **required** | Ends in &lt;host>, or a\|b. |",
        "| `size` | integer | `0` | How many. |",
        "| `on` | boolean | `false` | Whether. |",
        "| `name` | string | `x` | Which. |",
        "| `prefix` | string | not set | What first. |",
        "| `tags` | object | not set | More. |",
        '| `check` | object | `{"path": "/"}` | How. |',
    ]


def test_a_table_takes_the_place_of_the_one_before() -> None:
    document = "a\n<!-- table: configuration -->\nold\n<!-- end: configuration -->\nb\n"

    once = with_table(document, "new")

    assert once == "a\n<!-- table: configuration -->\nnew\n<!-- end: configuration -->\nb\n"
    assert with_table(once, "new") == once


@pytest.mark.parametrize(
    "document",
    [
        "nothing",
        "<!-- table: configuration -->",
        "<!-- end: configuration --><!-- table: configuration -->",
        "<!-- table: configuration --><!-- end: configuration -->" * 2,
    ],
)
def test_a_document_without_the_markers_is_refused(document: str) -> None:
    with pytest.raises(MarkerError, match="once each"):
        with_table(document, "table")


def test_the_readme_holds_the_table_of_pulumi_yaml() -> None:
    project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")

    assert with_table(readme, configuration_table(project["config"])) == readme, (
        "run: .venv/bin/python docs/tables.py"
    )
