"""Takes personal data out of texts: phones, identity cards, bank cards, e-mail, addresses, … (see `aiaas.pii`).

What was masked when the model learned is masked in a request as well, before the model, a log or an explanation sees
it.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from aiaas import environment, plugins
from aiaas.contracts import Batch, Sifted, sift
from aiaas.errors import ExampleError, VerificationError
from aiaas.pii import KINDS, REGIONS, Finder, Found
from aiaas.steps import _pii_presidio
from aiaas.steps._pii_actions import Action, Key, Replace, replacements
from aiaas.steps._text import TextParams, TextStep

_WHERE = "preprocess.steps.mask_pii"
_PLACES = re.compile(r"\{(.*?)\}")


class Params(TextParams):
    """What is looked for, and what becomes of it."""

    kinds: list[str] | None = Field(
        None, min_length=1, description=f"The kinds that are looked for; by default all: {', '.join(KINDS)}."
    )
    action: Action | dict[str, Action] = Field(
        "mask",
        description="What becomes of them, for all or by kind (the others are masked): mask writes `placeholder`, hash "
        "a pseudonym that is the same for the same value, fake a made-up value, drop leaves the row out.",
    )
    placeholder: str = Field(
        "[{KIND}]", min_length=1, max_length=64, description="What mask writes; {KIND} and {kind} are the kind."
    )
    pseudonym: str = Field(
        "[{KIND}:{hash}]",
        max_length=64,
        description="What hash writes; {hash} are twelve letters that the value and the key decide.",
    )
    key: str | None = Field(
        None,
        description="The secret of hash and fake, as ${env:NAME}, of 16 characters or more; also where the model is "
        "served.",
    )
    locale: Literal["zh_CN", "en_US"] | None = Field(
        None, description="The language of what fake makes up; by default as the value is written."
    )
    regions: list[str] = Field(
        list(REGIONS), description="Countries (ISO 3166) whose phone numbers are also found without their code."
    )
    engine: Literal["builtin", "presidio"] = Field(
        "builtin", description="presidio looks for what Microsoft Presidio finds as well, names among it."
    )
    language: str = Field("en", pattern="^[a-z]{2}$", description="The language that presidio reads, as ISO 639-1.")
    spacy_model: str | None = Field(
        None, description="The model of spaCy by which presidio finds names, such as en_core_web_sm; none: no names."
    )

    @field_validator("placeholder", "pseudonym")
    @classmethod
    def _known_places(cls, pattern: str, info: Any) -> str:
        allowed = {"KIND", "kind"} | ({"hash"} if info.field_name == "pseudonym" else set())
        for name in _PLACES.findall(pattern):
            if name not in allowed:
                raise ValueError(
                    f"{{{name}}} means nothing; allowed: {', '.join(f'{{{each}}}' for each in sorted(allowed))}"
                )
        if info.field_name == "pseudonym" and "{hash}" not in pattern:
            raise ValueError("must hold {hash}")
        return pattern

    @field_validator("key")
    @classmethod
    def _a_reference(cls, key: str | None) -> str | None:
        if key is not None and not environment.REFERENCE.fullmatch(key):
            raise ValueError("a recipe holds no secret: write ${env:NAME} and set that variable")
        return key

    @field_validator("regions")
    @classmethod
    def _countries(cls, regions: list[str]) -> list[str]:
        for region in regions:
            if not re.fullmatch("[A-Z]{2}", region):
                raise ValueError(f"a country is two capital letters, such as US, unlike {region!r}")
        return regions

    @model_validator(mode="after")
    def _go_together(self) -> Params:
        allowed = KINDS if self.engine == "builtin" else (*KINDS, *_pii_presidio.FURTHER)
        named = [*(self.kinds or ()), *(self.action if isinstance(self.action, dict) else ())]
        for kind in named:
            if kind not in allowed:
                close = plugins.nearest(kind, allowed)
                meant = f"; did you mean {close!r}?" if close else ""
                raise ValueError(f"there is no kind {kind!r}; allowed: {', '.join(allowed)}{meant}")
        keyed = {"hash", "fake"} & set(self.actions.values())
        if keyed and self.key is None:
            raise ValueError(f"{min(keyed)} needs a key: write key: ${{env:NAME}} and set that variable")
        return self

    @property
    def actions(self) -> dict[str, Action]:
        """The action for each kind that is looked for."""
        every = KINDS if self.engine == "builtin" else (*KINDS, *_pii_presidio.FURTHER)
        kinds = [kind for kind in every if self.kinds is None or kind in self.kinds]
        if isinstance(self.action, dict):
            return {kind: self.action.get(kind, "mask") for kind in kinds}
        return dict.fromkeys(kinds, self.action)


class Step(TextStep):
    """Its state is what tells one key from another: pseudonyms of another key would be strange to the model."""

    ON_REQUEST: ClassVar[bool] = True

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        super().__init__(params, columns, label)
        actions: dict[str, Action] = params.actions
        finder = Finder(actions, params.regions)
        faked = ("faker",) if "fake" in actions.values() else ()
        plugins.require((*finder.requires, *faked), "the step mask_pii")
        self._finder = (
            finder
            if params.engine == "builtin"
            else _pii_presidio.Presidio(finder, tuple(actions), params.language, params.spacy_model)
        )
        where = f"{_WHERE}.key"
        self._key = Key(environment.value(params.key, where), where) if params.key else None
        self._replace: dict[str, Replace] = replacements(
            actions, params.placeholder, params.pseudonym, self._key, params.locale
        )
        self._dropping = frozenset(kind for kind, action in actions.items() if action == "drop")
        self._found: Counter[str] = Counter()

    def texts(self, texts: list[str]) -> list[str]:
        return self._replaced(texts, self._finder.find(texts))

    def protect(self, texts: Sequence[str]) -> list[str]:
        """The texts without what is looked for, those too whose rows would be left out."""
        return self._replaced(texts, self._finder.find(texts))

    def apply(self, batch: Batch) -> Batch | Sifted:
        mapped, reasons = self._mapped(batch)
        return sift(mapped, reasons)

    def request(self, batch: Batch) -> Batch:
        """As `apply`; ExampleError for the first example that would be left out: no such row was learned from."""
        mapped, reasons = self._mapped(batch)
        for place, reason in enumerate(reasons):
            if reason:
                raise ExampleError(
                    f"the text {reason}, which this model does not take", place, hint="send it without them"
                )
        return mapped

    def _mapped(self, batch: Batch) -> tuple[Batch, list[str | None]]:
        """The batch with all texts replaced, and why rows are to be left out."""
        mapped = dict(batch)
        reasons: list[str | None] = [None] * len(next(iter(batch.values()), ()))
        for name in self.columns:
            if name not in batch:
                continue
            places = [place for place, value in enumerate(batch[name]) if isinstance(value, str)]
            texts = [batch[name][place] for place in places]
            found = self._finder.find(texts)
            self.seen += len(texts)
            if not found:
                continue
            self._found.update(each.kind for each in found)
            self.changed += len({each.text for each in found})
            column = list(batch[name])
            for place, text in zip(places, self._replaced(texts, found), strict=True):
                column[place] = text
            mapped[name] = column
            for each in found:
                if each.kind in self._dropping:
                    place = places[each.text]
                    reasons[place] = reasons[place] or f"holds personal data: {each.kind}"
        return mapped, reasons

    def _replaced(self, texts: Sequence[str], found: Sequence[Found]) -> list[str]:
        replaced = list(texts)
        for number, spans in itertools.groupby(found, key=lambda each: each.text):
            replaced[number] = "".join(self._pieces(texts[number], spans))
        return replaced

    def _pieces(self, text: str, spans: Iterator[Found]) -> Iterator[str]:
        end = 0
        for each in spans:
            yield text[end : each.start]
            yield self._replace[each.kind](text[each.start : each.end])
            end = each.end
        yield text[end:]

    def state(self) -> Mapping[str, Any]:
        """`key`: eight hexadecimal digits that tell another key from this one."""
        return {"key": self._key.check()} if self._key else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        if self._key and state.get("key") != self._key.check():
            raise VerificationError(
                "the key of mask_pii is not the one that the model was trained with",
                where=f"{_WHERE}.key",
                hint="set the variable to the key of the training, or train again",
            )

    def report(self) -> Mapping[str, Any]:
        """How many texts were seen and changed, and how many values of each kind were found."""
        return {**super().report(), "found": dict(sorted(self._found.items()))}
