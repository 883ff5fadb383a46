"""Where templates are found: those of a room first, then what all pages share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiaas import readable

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(package: str) -> Environment:
    """The templates of `package` and of this room. What is put in is escaped, and a name that is not there an error.
    Figures have filters."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=ChoiceLoader([PackageLoader(package, "templates"), PackageLoader("aiaas.charts", "templates")]),
        autoescape=select_autoescape(("html", "html.j2", "svg.j2"), default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= readable.FILTERS
    return made
