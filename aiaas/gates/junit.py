"""The gates as JUnit XML, the form in which every CI shows what passed and what did not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from aiaas.errors import AiaasError, GateError
from aiaas.gates.verdict import told

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even written as a reference."""


def junit(name: str, verdicts: Sequence[Mapping[str, Any]], seconds: float, error: AiaasError | None = None) -> str:
    """One suite of the model `name` with a case for each gate; one more, which says why, where the run failed of
    something else than a gate. A suite without gates says that the run went through."""
    stopped = error if not isinstance(error, GateError) else None
    suite = ElementTree.Element(
        "testsuite",
        name=_text(name),
        tests=str(len(verdicts) + bool(stopped or not verdicts)),
        failures=str(sum(not each["met"] for each in verdicts)),
        errors=str(int(stopped is not None)),
        skipped="0",
        time=f"{seconds:.3f}",
    )
    for each in verdicts:
        case = _case(suite, name, f"{each['metric']} {each['gate']}")
        if each["met"]:
            ElementTree.SubElement(case, "system-out").text = _text(told(each))
        else:
            ElementTree.SubElement(case, "failure", type="gate", message=_text(told(each))).text = _text(_long(each))
    if stopped:
        case = _case(suite, name, "run")
        ElementTree.SubElement(case, "error", type=stopped.code, message=_text(stopped.message)).text = _text(
            "\n".join(each for each in (stopped.message, stopped.where, stopped.hint) if each)
        )
    elif not verdicts:
        _case(suite, name, "run")
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _case(suite: ElementTree.Element, model: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=_text(f"aiaas.{model}"), name=_text(name), time="0")


def _long(verdict: Mapping[str, Any]) -> str:
    """The verdict with the parts of the rows where the model is worse, a line each."""
    parts = verdict.get("against", {}).get("where", ())
    lines = [
        f"{each['kind']} {each['value']}: {each['metric']} {each['before']:.4f} -> {each['after']:.4f} "
        f"({each['rows']:,} rows)"
        for each in parts
        if each["worse"]
    ]
    return "\n".join([told(verdict), *lines])


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
