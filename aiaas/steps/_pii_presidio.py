"""Microsoft Presidio as a second pair of eyes: what it finds is added to what our own finder found.

It reads one language. Names of persons and places it finds by a model of spaCy, which must be installed; without one
it goes by its patterns. Nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiaas import plugins
from aiaas.errors import MissingPackageError
from aiaas.pii import Finder, Found

REQUIRES = ("presidio-analyzer", "spacy")
FURTHER = ("person", "location")
"""Kinds that only it finds."""
THRESHOLD = 0.5
"""How sure it must be, of 1."""
_KINDS = {
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "email",
    "CREDIT_CARD": "credit_card",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip",
    "US_SSN": "ssn",
    "US_PASSPORT": "passport",
    "PERSON": "person",
    "LOCATION": "location",
}


class Presidio:
    """A finder like ours, which asks ours first."""

    def __init__(self, finder: Finder, kinds: Sequence[str], language: str, model: str | None) -> None:
        plugins.require(REQUIRES, "the engine presidio of mask_pii")
        self._finder = finder
        self._language = language
        self._entities = [entity for entity, kind in _KINDS.items() if kind in kinds]
        self._analyzer = _analyzer(language, model)
        known = set(self._analyzer.get_supported_entities(language))
        self._entities = [entity for entity in self._entities if entity in known]

    def find(self, texts: Sequence[str]) -> list[Found]:
        """As `Finder.find`: of two that overlap, ours is kept."""
        ours = self._finder.find(texts)
        if not self._entities:
            return ours
        taken: dict[int, list[Found]] = {}
        for each in ours:
            taken.setdefault(each.text, []).append(each)
        found = list(ours)
        for number, text in enumerate(texts):
            held = taken.setdefault(number, [])
            results = self._analyzer.analyze(text, self._language, entities=self._entities, score_threshold=THRESHOLD)
            for result in sorted(results, key=lambda each: (-each.score, each.start)):
                if all(result.end <= each.start or result.start >= each.end for each in held):
                    held.append(Found(number, result.start, result.end, _KINDS[result.entity_type]))
                    found.append(held[-1])
        return sorted(found)


def _analyzer(language: str, model: str | None) -> Any:
    """Presidio's analyzer around a pipeline of spaCy that is here."""
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

    if model is not None and not spacy.util.is_package(model):
        raise MissingPackageError(
            f"presidio needs the model {model} of spaCy, which is not installed",
            hint=f"python -m spacy download {model}",
        )
    # Presidio judges domains by a list of suffixes, which would be fetched at the first of them; one is installed.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    engine = SpacyNlpEngine(
        [{"lang_code": language, "model_name": model or "blank"}], NerModelConfiguration(labels_to_ignore=[])
    )
    engine.nlp = {language: spacy.load(model) if model else spacy.blank(language)}
    registry = RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language], nlp_engine=engine)
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[language])
