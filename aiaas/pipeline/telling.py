"""What a stage that is over tells a person, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiaas.pipeline.result import StageResult

SHOWN_NAMES = 12
SHOWN_SOURCES = 2
SHOWN_FINDINGS = 2


def told(stage: StageResult) -> list[str]:
    """The one thing worth knowing of a stage that is over, then what else a person should know."""
    name, summary = stage.name, stage.summary
    told = [_first(name, summary)]
    if name == "deploy" and "difference" in summary["runtime"]:
        told.append(_compared(summary["runtime"]))
    if name == "inspect" and not stage.cached:
        told += [f"{each['name']}: {each['message']}" for each in _serious(summary)[:SHOWN_FINDINGS]]
    return told


def _first(name: str, summary: Any) -> str:
    match name:
        case "collect":
            rows = f"{summary['rows']:,} rows from {_counted(len(summary['sources']), 'source')}"
            rows += f", {summary['dropped']:,} left out" if summary["dropped"] else ""
            files = dict.fromkeys(each["files"]["told"] for each in summary["sources"] if "files" in each)
            return rows + (f": {'; '.join(files)}" if 0 < len(files) <= SHOWN_SOURCES else "")
        case "preprocess":
            sizes = summary["splits"]
            return f"train {sizes['train']:,}, validation {sizes['validation']:,}, test {sizes['test']:,}"
        case "inspect":
            return _found(_serious(summary))
        case "train":
            given = summary["notes"].items()
            notes = [f"{value:,} {name.replace('_', ' ')}" for name, value in given if type(value) is int]
            notes += [value["told"] for _, value in given if isinstance(value, dict) and "told" in value]
            return f"{summary['backend']}/{summary['architecture']}" + (f" ({', '.join(notes)})" if notes else "")
        case "evaluate":
            flat = (each for each in summary["metrics"].items() if isinstance(each[1], float))
            return ", ".join(f"{metric} {value:.4f}" for metric, value in list(flat)[:3])
        case "gate":
            return _met(summary["gates"])
        case "report":
            return f"{', '.join(summary['bytes'])}, {sum(summary['bytes'].values()) / 1e3:.0f} kB"
        case "deploy":
            return f"bundle {summary['digest'][:12]}, {summary['bytes'] / 1e6:.1f} MB, {summary['examples']} replayed"
    return ""


def _met(gates: Any) -> str:
    if not gates:
        return "no gates"
    missed = [gate["metric"] for gate in gates if not gate["met"]]
    return f"{', '.join(missed)} NOT MET" if missed else f"{_counted(len(gates), 'gate')} met"


def _serious(summary: Any) -> list[Any]:
    """The findings that a person must know."""
    return [each for each in summary["findings"] if each["level"] != "note" and not each["accepted"]]


def _found(findings: list[Any]) -> str:
    if not findings:
        return "nothing to warn of"
    names = list(dict.fromkeys(each["name"] for each in findings))
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    told = ", ".join(names[:SHOWN_NAMES]) + more
    return f"{told} (aiaas inspect tells more)"


def _compared(runtime: Any) -> str:
    """What the form of a model that was taken costs and brings."""
    int8 = runtime["precision"] == "int8"
    took = [f"{runtime[form]['milliseconds']:.2g} ms" for form in ("int8" if int8 else "portable", "native")]
    name = f"{runtime['name']} int8" if int8 else runtime["name"]
    return f"{name}: {took[0]} an example, was {took[1]}; {_lost(runtime['int8']) if int8 else _apart(runtime)}"


def _apart(runtime: Any) -> str:
    return f"scores within {runtime['difference']:.1g}"


def _lost(int8: Any) -> str:
    if "accuracy" in int8:
        rows = f"{int8['rows']:,} held-out rows"  # of the test split where nothing is kept for validation
        return f"accuracy {int8['accuracy']:.4f} on {rows}, was {int8['native_accuracy']:.4f}"
    return f"cosine {int8['mean_cosine']:.4f} with its vectors"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
