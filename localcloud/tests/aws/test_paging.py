import base64

import pytest

from localcloud.aws.paging import InvalidTokenError, page


def test_the_pages_of_a_list_follow_each_other() -> None:
    first, token = page("abcde", size=2, token=None)
    second, token = page("abcde", size=2, token=token)
    third, end = page("abcde", size=2, token=token)
    assert [first, second, third] == [["a", "b"], ["c", "d"], ["e"]]
    assert end is None


def test_a_full_last_page_has_no_token() -> None:
    assert page("ab", size=2, token="") == (["a", "b"], None)


@pytest.mark.parametrize("token", ["nonsense", "ä", base64.b64encode(b"-1").decode()])
def test_a_token_of_no_page_is_refused(token: str) -> None:
    with pytest.raises(InvalidTokenError):
        page("ab", size=1, token=token)
