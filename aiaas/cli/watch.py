"""`aiaas runs logs` and `aiaas runs watch`: what a run said, and what one says that goes on in another terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiaas.cli import output
from aiaas.cli.options import JsonOption, RunArgument, WorkspaceOption, look, run_ids
from aiaas.errors import Interrupted, UsageError, of_status

if TYPE_CHECKING:
    from aiaas.contracts import Advance, Progress
    from aiaas.track.history import Past
    from aiaas.workspace import Workspace

Event = Mapping[str, Any]


def logs(
    run: RunArgument,
    sender: Annotated[bool, typer.Option("--sender", help="What the process said that sends it to MLflow.")] = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """What a run said: its stages, epochs, warnings, and how it ended."""
    from aiaas.track import history, process, spoken

    past = history.find(look(workspace), run)
    if sender:
        log = past.folder / process.LOG
        text = log.read_text("utf-8", "replace") if log.exists() else ""
        if json:
            output.emit_json("runs logs", id=past.id, text=text)
        elif text:
            output.out(text.rstrip("\n"))
        return
    events = list(spoken.read(past.folder))
    if json:
        output.emit_json("runs logs", id=past.id, events=events)
        return
    if not events:
        output.say(f"{past.id} kept nothing of what it said")
    for line in lines(events):
        output.out(line)


def watch(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="As for show.  [default: the newest that runs]",
            autocompletion=run_ids,
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Follow a run that goes on in another terminal to its end; the exit status is that of the run."""
    from aiaas.track import spoken

    past = _chosen(look(workspace), run)
    if not json:
        output.say(f"{past.id}  {past.name}")
    log, passing = Log(), _passing()
    for event in spoken.follow(past.folder):
        if event is None or json:
            log.take(event)
            continue
        for line in log.take(event):
            output.out(line)
        passing(event)
    ended = log.ended
    if ended is None:
        raise Interrupted(f"the run {past.id} was killed", hint="run its recipe again to go on")
    if not ended["ok"]:
        error = ended["error"]
        raise of_status(ended["status"])(error["message"], where=error["where"], hint=error["hint"])
    if json:
        aside = ("schema", "event", "time", "ok", "status")
        output.emit_json("runs watch", id=past.id, **{key: each for key, each in ended.items() if key not in aside})


class Log:
    """Makes lines for a person of events, each with the time of the day; keeps how the run ended."""

    def __init__(self) -> None:
        self.ended: Event | None = None
        self._epoch = 0.0

    def take(self, event: Event | None) -> list[str]:
        """The lines of the next event; none of what passes, such as the steps within an epoch, nor of a form that this
        version does not know."""
        from aiaas.pipeline.events import SCHEMA

        if event is None or event.get("schema") != SCHEMA:
            return []
        if event["event"] == "ends":
            self.ended = event
        clock = time.strftime("%H:%M:%S", time.localtime(event["time"]))
        first, *rest = self._words(event) or ("",)
        return [f"{clock}  {first}", *(f"{'':<10}{each}" for each in rest)] if first else []

    def _words(self, event: Event) -> list[str]:
        from aiaas.cli.progress import stage_lines
        from aiaas.cli.training import epoch_line
        from aiaas.pipeline import FIRST

        match event["event"]:
            case "begins":
                return [f"aiaas {event['verb']} {event['file'] or event['recipe']}  (aiaas {event['aiaas']})"]
            case "stage_begins":
                self._epoch = event["time"]
                first = event["why"] == [FIRST]
                return [] if first else [f"{event['stage']:<11}      …  {'; '.join(event['why'][:3])}"]
            case "step" if event["ended"]:
                took, self._epoch = event["time"] - self._epoch, event["time"]
                return [epoch_line(_progress(event), took)]
            case "warning":
                return [f"warning: {event['message']}"]
            case "stage_ends":
                return stage_lines(event["stage"], event["cached"], event["seconds"], event["told"])
            case "ends":
                return list(_end(event))
        return []


def lines(events: list[dict[str, Any]]) -> Iterator[str]:
    """What a person reads of these events."""
    log = Log()
    for event in events:
        yield from log.take(event)


def _end(event: Event) -> Iterator[str]:
    if not event["ok"]:
        error = event["error"]
        yield f"error: {error['message']}" + (f" ({error['where']})" if error["where"] else "")
        if error["hint"]:
            yield f"  hint: {error['hint']}"
        return
    if model := event.get("model"):
        yield f"registered {model['name']}/{model['version']} as {model['name']}@{model['alias']}"
    yield f"done in {event['seconds']:.1f} s"


def _passing() -> Callable[[Event], None]:
    """What shows the progress within a stage on a line that the next one replaces; on a terminal only."""
    from aiaas.cli.training import live

    if not output.on_terminal():
        return lambda event: None
    show = live()

    def tell(event: Event) -> None:
        from aiaas.cli.progress import advance_line
        from aiaas.pipeline.pace import Speed

        if event["event"] == "stage_begins":
            output.say_over(f"{event['stage']:<11}      …")
        elif event["event"] == "step" and not event["ended"]:
            show(_progress(event))
        elif event["event"] == "progress":
            output.say_over(advance_line(_advance(event), Speed(event["bytes_per_second"], event["seconds_left"])))

    return tell


def _progress(event: Event) -> Progress:
    from aiaas.contracts import Progress

    metrics = {name: float(value) for name, value in event["metrics"].items()}
    fields = ("step", "steps", "epoch", "epochs", "examples_per_second", "seconds_left", "ended")
    return Progress(metrics=metrics, **{name: event[name] for name in fields})


def _advance(event: Event) -> Advance:
    from aiaas.contracts import Advance

    fields = {name: event[name] for name in ("rows", "bytes", "of_rows", "of_bytes")}
    return Advance(event.get("part") or event["stage"], **fields)


def _chosen(workspace: Workspace, reference: str | None) -> Past:
    from aiaas.track import history

    if reference is not None:
        return history.find(workspace, reference)
    running = next((past for past in history.runs(workspace) if past.status == "RUNNING"), None)
    if running is None:
        raise UsageError("nothing runs in this workspace", hint="aiaas runs logs RUN tells of one that is over")
    return running
