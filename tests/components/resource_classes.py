"""The class of an SDK that declares a type of resource."""

import importlib
import inspect
import keyword
from typing import Any


def resource_class(kind: str) -> type[Any]:
    """Return the class of a type.

    Args:
        kind: the type, as in ``aws:ecr/repository:Repository``.

    Raises:
        LookupError: no class of the SDK has this type.
    """
    package, module, name = kind.split(":")
    service = module.partition("/")[0]
    names = [f"pulumi_{package}"]
    if service != "index":
        names.append(f"{service}_" if keyword.iskeyword(service) else service)
    found = getattr(importlib.import_module(".".join(names)), name, None)
    if not inspect.isclass(found) or found.pulumi_type != kind:  # type: ignore[attr-defined]  # the SDK's decorator adds it
        raise LookupError(f"no class of {names[0]} declares {kind}")
    return found
