from localcloud.aws.lambda_.invocation_error import with_exception
from localcloud.aws.lambda_.python_runtime import SEPARATOR

_UNNAMED = {"errorMessage": "wrong", "errorType": "Runtime.HandlerError"}
_FRAME = '  File "/var/task/index.py", line 3, in handler', '    raise ValueError("wrong")'
_EVENT = SEPARATOR.join(
    ["[ERROR] ValueError: wrong", "Traceback (most recent call last):", *_FRAME]
)


def test_an_exception_has_its_class_and_where_it_was_raised() -> None:
    result = {"body": _UNNAMED, "error": True, "log": f"printed\n{_EVENT}"}
    assert with_exception(result, "request") == {
        **result,
        "body": {
            "errorMessage": "wrong",
            "errorType": "ValueError",
            "requestId": "request",
            "stackTrace": ["\n".join(_FRAME) + "\n"],
        },
    }


def test_what_is_no_exception_stays() -> None:
    timeout = {"body": {"errorMessage": "late", "errorType": "Sandbox.Timedout"}, "log": _EVENT}
    for result in ({"body": [1], "log": _EVENT}, timeout, {"body": _UNNAMED, "log": "killed"}):
        assert with_exception(result, "request") == result
