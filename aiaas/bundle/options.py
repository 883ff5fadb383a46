"""What a caller asks of an answer: checked against the options of the model's task."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from aiaas import plugins
from aiaas.contracts import Generative, Params, Task
from aiaas.errors import OptionError

_SUBJECT = re.compile(r"^(Input|String|Tuple|List) should")  # of pydantic's sentences


def read(task: Task, given: Mapping[str, Any] | None) -> Params | None:
    """Options as JSON has them, for a task that has options, or None. Raises OptionError."""
    if not isinstance(task, Generative):
        if given:
            raise OptionError("this model takes no options", where="options", hint="options are for models that write")
        return None
    try:
        text = json.dumps(dict(given or {}))
        # Of JSON, strictly: a list is a tuple there, but "1" is no number.
        return task.Options.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise _refused(task.Options, error) from None
    except (TypeError, ValueError):
        raise OptionError("the options are no JSON object", where="options") from None


def of_words(kind: type[Params], words: Iterable[str]) -> dict[str, Any]:
    """Options from `NAME=VALUE`, as a command line has them; of a list, each time it is named gives one more value."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise OptionError("must be NAME=VALUE", where=f"--option {name[:40]}", hint="such as --option seed=7")
        field = kind.model_fields.get(name)
        if field and typing.get_origin(field.annotation) is tuple:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    try:
        options = kind.model_validate(found)
    except ValidationError as error:
        raise _refused(kind, error) from None
    return options.model_dump(mode="json", include=set(found))


def _refused(kind: type[Params], error: ValidationError) -> OptionError:
    """The first fault in words: the option, what is allowed, the name that was probably meant."""
    found = error.errors(include_url=False, include_input=False)[0]
    name = str(found["loc"][0]) if found["loc"] else ""
    if found["type"] == "extra_forbidden":
        close = plugins.nearest(name, kind.model_fields)
        return OptionError(
            f"there is no such option; allowed: {', '.join(kind.model_fields)}",
            where="options",
            hint=f"did you mean {close!r}?" if close else None,
        )
    told = str(found.get("ctx", {}).get("error", "")) or _SUBJECT.sub("must", found["msg"])
    field = kind.model_fields.get(name)
    return OptionError(
        f"{name}: {told}" if name else told,
        where=f"options.{name}" if name else "options",
        hint=f"{name}: {field.description}" if field else None,
    )
