import string

from hypothesis import given
from hypothesis import strategies as st

from localcloud.providers.checking import check
from localcloud.providers.random_string import RandomString, draw
from localcloud.providers.schema import CheckRequest
from localcloud.providers.values import UNKNOWN, Values

_MINIMUMS = st.integers(min_value=0, max_value=3)


@given(_MINIMUMS, _MINIMUMS, _MINIMUMS, _MINIMUMS, st.integers(min_value=0, max_value=20))
def test_a_string_has_its_length_and_at_least_the_minimums(
    lower: int, upper: int, numeric: int, special: int, more: int
) -> None:
    length = lower + upper + numeric + special + more
    inputs: Values = {
        "length": length,
        "minLower": lower,
        "minUpper": upper,
        "minNumeric": numeric,
        "minSpecial": special,
        "overrideSpecial": "-_",
    }
    checked, _ = check(RandomString.properties, inputs)
    drawn = draw(checked)
    assert len(drawn) == length
    assert sum(each in string.ascii_lowercase for each in drawn) >= lower
    assert sum(each in string.ascii_uppercase for each in drawn) >= upper
    assert sum(each in string.digits for each in drawn) >= numeric
    assert sum(each in "-_" for each in drawn) >= special
    assert set(drawn) <= set(string.ascii_letters + string.digits + "-_")


def test_only_enabled_classes_are_used() -> None:
    checked, _ = check(
        RandomString.properties, {"length": 200, "special": False, "upper": False, "lower": False}
    )
    assert set(draw(checked)) <= set(string.digits)


def test_two_draws_differ() -> None:
    checked, _ = check(RandomString.properties, {"length": 32})
    assert draw(checked) != draw(checked)


def test_impossible_strings_are_rejected() -> None:
    resource = RandomString()
    classes = dict.fromkeys(("lower", "upper", "numeric", "special"), False)
    _, failures = resource.check(
        CheckRequest(context=None, inputs={"length": 2, "minLower": 3, **classes})
    )
    assert [each.property for each in failures] == ["length", "lower"]
    unknown: Values = {"length": UNKNOWN}
    assert resource.check(CheckRequest(context=None, inputs=unknown)) == (unknown, [])
