import json

import pytest

from localcloud.aws.iam.trust import named_roles

_ACCOUNT = "111122223333"
_ROLE = f"arn:aws:iam::{_ACCOUNT}:role/one"


def _policy(*principals: object) -> str:
    statements = [{"Effect": "Allow", "Principal": each} for each in principals]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def test_the_accounts_roles_among_the_principals() -> None:
    others = [f"arn:aws:iam::{_ACCOUNT}:root", "arn:aws:iam::444455556666:role/other", "*"]
    document = _policy({"AWS": _ROLE}, {"AWS": [*others, f"{_ROLE}/two"]}, {"Service": _ROLE}, "*")
    assert list(named_roles(document, _ACCOUNT)) == [_ROLE, f"{_ROLE}/two"]


def test_one_statement_needs_no_list() -> None:
    document = json.dumps({"Statement": {"Principal": {"AWS": _ROLE}}})
    assert list(named_roles(document, _ACCOUNT)) == [_ROLE]


@pytest.mark.parametrize("document", ["", "{", "[]", '{"Statement": ["x"]}', "null"])
def test_what_is_no_policy_names_none(document: str) -> None:
    assert list(named_roles(document, _ACCOUNT)) == []
