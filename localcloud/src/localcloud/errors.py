"""The base of all errors that a person can cause, and whose message says how to fix them."""


class LocalCloudError(Exception):
    """The stand-in can't continue; the message names the cause and the command that fixes it.

    `failures.explain` prints these without a traceback. Errors that stay inside a service, as the
    answers of an emulated API do, have their own classes in that service's package.
    """
