"""A document to a recipe: every part against its model, the plug-ins' parts against theirs, all faults at once."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Literal

from aiaas import contracts, plugins
from aiaas.contracts import Params, SourceParams
from aiaas.errors import RecipeError
from aiaas.recipe import addresses, judging, paths, secrets, space, wording
from aiaas.recipe.document import Document, walk
from aiaas.recipe.evaluate import sliced_columns
from aiaas.recipe.models import Inspect, Recipe, StepSpec
from aiaas.recipe.split import named_columns
from aiaas.recipe.validate import at, validated

FIRST, SCHEMA = 1, 1
"""The first schema that there was, and the newest, which is read."""
_SECTIONS = ("preprocess", "inspect", "train", "evaluate", "deploy")
_NAMES = {
    ("task",),
    ("model", "backend"),
    ("model", "architecture"),
    ("collect", "#", "source"),
    ("preprocess", "steps", "#"),
}


def check(document: Document) -> Recipe:
    """The recipe that the document holds; raises RecipeError with every fault."""
    recipe = _Check(document).recipe() if document.data is not None or not document.faults else None
    if document.faults or recipe is None:
        raise RecipeError(document.sorted_faults())
    return recipe


class _Check:
    """Builds the parts that plug-ins describe, puts them into the frame, and checks the frame."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.task: contracts.Task | None = None
        self.architecture: contracts.Architecture | None = None

    def recipe(self) -> Recipe | None:
        document = self.document
        if not isinstance(document.data, dict):
            document.refuse((), f"a recipe is a mapping of keys, found {wording.kind_of(document.data)}")
            return None
        self._names()
        self._texts()
        secrets.check(document)
        frame = dict(document.data)
        version = frame.get("schema")
        if isinstance(version, int) and version > SCHEMA:
            document.refuse(("schema",), f"is {version}; this aiaas reads schema {SCHEMA}", "install a newer aiaas")
            document.void.add(("schema",))
        elif isinstance(version, int) and FIRST <= version < SCHEMA:
            hint = f"bring it up to date: aiaas recipe migrate {document.source}"
            document.refuse(("schema",), f"is {version}; this aiaas reads schema {SCHEMA}", hint)
            document.void.add(("schema",))
        for name in _SECTIONS:
            if name in frame and frame[name] is None:
                frame[name] = {}
        if isinstance(frame.get("task"), str):
            self.task = self._plugin("tasks", "task", frame["task"], ("task",))
        if isinstance(frame.get("collect"), list):
            frame["collect"] = tuple(self._source(entry, ("collect", i)) for i, entry in enumerate(frame["collect"]))
        if isinstance(frame.get("preprocess"), dict):
            frame["preprocess"] = self._preprocess(dict(frame["preprocess"]))
        elif "preprocess" not in frame:
            frame["preprocess"] = self._preprocess({})
        if isinstance(frame.get("inspect"), dict):
            frame["inspect"] = validated(Inspect, frame["inspect"], ("inspect",), document) or Inspect()
        if isinstance(frame.get("model"), dict):
            frame["model"] = self._model(dict(frame["model"]))
        frame["train"] = self._train(frame.get("train", {}))
        if isinstance(frame.get("evaluate"), dict):
            frame["evaluate"] = judging.section(frame["evaluate"], self.task, document)
        self._deploy(frame.get("deploy"))
        if isinstance(frame.get("tune"), dict):
            frame["tune"] = space.section(frame["tune"], self.task, document)
        recipe = validated(Recipe, frame, (), document, as_json=False)
        if recipe is not None:
            judging.refuse_undecidable(recipe, self.task, document)
            recipe._document = document
            if not document.faults:
                space.check(recipe, document)
        return recipe

    def _names(self) -> None:
        """Names of plug-ins that came from a shell are text before they are looked up, whatever they look like."""
        document = self.document
        for path, raw in document.raws.items():
            shape = tuple("#" if isinstance(part, int) else part for part in path)
            if shape in _NAMES and not isinstance(at(document.data, path), str):
                at(document.data, path[:-1])[path[-1]] = raw

    def _texts(self) -> None:
        """Text that no file, terminal or JSON can carry. YAML's own escapes and the environment can smuggle it in."""
        for path, value in walk(self.document.data):
            for text in (value, path[-1] if path else ""):
                if isinstance(text, str) and re.search("[\0\ud800-\udfff]", text):
                    self.document.refuse(path, "holds a character that is no text (NUL or half a surrogate pair)")
                    self.document.void.add(path)

    def _source(self, entry: Any, path: paths.Path) -> SourceParams:
        nothing = SourceParams.model_construct(source="")
        if not isinstance(entry, dict):
            hint = "write - {source: …}" if isinstance(entry, str) else None
            self.document.refuse(path, f"must be a mapping with source, found {wording.kind_of(entry)}", hint)
            return nothing
        address = entry.get("source")
        if not isinstance(address, str) or not address.strip():
            self._no_address(entry, path)
            return nothing
        module = addresses.source(address, (*path, "source"), self.document)
        if module is None:
            return nothing
        self._columns(entry.get("columns"), (*path, "columns"))
        return validated(module.Params, entry, path, self.document) or nothing

    def _columns(self, mapping: Any, path: paths.Path) -> None:
        """A task that takes no further columns knows which of ours there are."""
        if self.task is None or self.task.OPEN or not isinstance(mapping, dict):
            return
        preprocess = self.document.data.get("preprocess")
        split = preprocess.get("split") if isinstance(preprocess, dict) else None
        sliced = sliced_columns(self.document.data.get("evaluate"))
        allowed = [*(column.name for column in self.task.COLUMNS), *named_columns(split), *sliced]
        for name in mapping:
            if name not in allowed:
                wording.note_name("column", name, allowed, (*path, name), self.document, key=True)

    def _no_address(self, entry: dict[str, Any], path: paths.Path) -> None:
        if "source" not in entry:
            self.document.refuse((*path, "source"), "is missing: where the rows are", "add source: … here", key=True)
        else:
            found = "empty text" if isinstance(entry["source"], str) else wording.kind_of(entry["source"])
            self.document.refuse((*path, "source"), f"must be text that says where the rows are, found {found}")

    def _preprocess(self, section: dict[str, Any]) -> dict[str, Any]:
        path = ("preprocess", "steps")
        if section.get("steps", ()) is None:
            del section["steps"]
        if isinstance(section.get("steps"), list):
            section["steps"] = tuple(self._step(entry, (*path, i)) for i, entry in enumerate(section["steps"]))
        split = {} if section.get("split") is None else section["split"]
        if self.task is not None and isinstance(split, dict):
            labels = [column for column in self.task.COLUMNS if column.kind == "label"]
            if split.get("stratify") is True and not labels:
                message = f"must be false: {self.document.data['task']} has no labels to keep in proportion"
                self.document.refuse((*path[:1], "split", "stratify"), message)
            split = {"stratify": any(not column.optional for column in labels), **split}
        return {**section, "split": split}

    def _step(self, entry: Any, path: paths.Path) -> StepSpec:
        nothing = StepSpec.model_construct(name="", params=Params())
        values: Any = None
        if isinstance(entry, str):
            name, here = entry, path
        elif isinstance(entry, dict) and len(entry) == 1:
            ((name, values),) = entry.items()
            here = (*path, name)
        else:
            hint = "one step an item" if isinstance(entry, dict) and entry else None
            self.document.refuse(path, "must be a step's name, or {name: {parameter: value}}", hint)
            return nothing
        module = self._plugin("steps", "step", name, here, key=here != path)
        if module is None:
            return nothing
        params = validated(module.Params, {} if values is None else values, here, self.document)
        if params is None:
            return nothing
        if isinstance(module, contracts.ReadsLists):
            for parameter, address in module.files(params).items():
                addresses.file(address, (*here, parameter), self.document)
        return StepSpec(name=name, params=params)

    def _model(self, section: dict[str, Any]) -> dict[str, Any]:
        values = section.get("params")
        section["params"] = Params()
        backend, name = section.get("backend"), section.get("architecture")
        if not isinstance(backend, str) or not isinstance(name, str):
            return section
        known = plugins.names("architectures")
        backends = sorted({full.partition("/")[0] for full in known})
        if backend not in backends:
            self._unknown("backend", backend, backends, ("model", "backend"))
            return section
        path = ("model", "architecture")
        if f"{backend}/{name}" not in known:
            allowed = [full.partition("/")[2] for full in known if full.startswith(f"{backend}/")]
            other = next((full.partition("/")[0] for full in known if full.partition("/")[2] == name), None)
            hint = f"{name} is an architecture of the backend {other}" if other else None
            self._unknown("architecture", name, allowed, path, hint)
            return section
        module = addresses.imported(partial(plugins.architecture, backend, name), path, self.document)
        if module is not None:
            self.architecture = module
            task = self.document.data.get("task")
            if self.task is not None and task not in module.TASKS:
                self.document.refuse(
                    path, f"{backend}/{name} cannot learn {task}; it learns: {', '.join(module.TASKS)}"
                )
            given = {} if values is None else values
            params = validated(module.Params, given, ("model", "params"), self.document)
            section["params"] = params or Params()
            if params is not None and isinstance(module, contracts.Particular) and isinstance(task, str):
                for name, why in module.check(params, task):
                    self.document.refuse(("model", "params", name), why)
            if params is not None and isinstance(module, contracts.ReadsFiles):
                for name, address in module.files(params).items():
                    addresses.file(address, ("model", "params", *name.split(".")), self.document)
        return section

    def _train(self, section: Any) -> Any:
        """The settings of the architecture; of an unknown one nothing can be said, which its own fault says."""
        if self.architecture is None:
            return Params()
        kind = contracts.settings_of(self.architecture)
        return validated(kind, section, ("train",), self.document) or Params()

    def _deploy(self, section: Any) -> None:
        """A form is asked for only where the architecture has it."""
        if self.architecture is None or not isinstance(section, dict):
            return
        model = self.document.data["model"]
        name = f"{model['backend']}/{model['architecture']}"
        if section.get("runtime") == "portable" and not isinstance(self.architecture, contracts.Portable):
            told = f"cannot be portable: {name} has no portable form"
            self.document.refuse(("deploy", "runtime"), told, "leave it out, or say native")
        if section.get("quantize") == "int8":
            path = ("deploy", "quantize")
            if not isinstance(self.architecture, contracts.Quantizable):
                self.document.refuse(path, f"cannot be int8: {name} has no int8 form", "leave it out, or say none")
            elif section.get("runtime") == "native":
                told = "cannot be int8 where deploy.runtime is native: the int8 form is a portable one"
                self.document.refuse(path, told, "say portable there, or none here")

    def _plugin(
        self, room: Literal["tasks", "steps"], what: str, name: str, path: paths.Path, *, key: bool = False
    ) -> Any:
        if name not in plugins.names(room):
            wording.note_name(what, name, plugins.names(room), path, self.document, key=key)
            return None
        return addresses.imported(
            lambda: (plugins.task if room == "tasks" else plugins.step)(name), path, self.document
        )

    def _unknown(self, what: str, name: str, allowed: list[str], path: paths.Path, hint: str | None = None) -> None:
        if hint is None:
            wording.note_name(what, name, allowed, path, self.document)
        else:
            self.document.refuse(path, f"unknown {what} {name!r}; allowed: {', '.join(allowed)}", hint)
