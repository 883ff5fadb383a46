"""Lists of stop words: nltk's where its data is on this machine, stopwordsiso's otherwise. Nothing is downloaded."""

from __future__ import annotations

import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from aiaas import plugins
from aiaas.errors import DataError

# nltk names its lists by the language, recipes by ISO 639-1.
_NLTK = {
    "ar": "arabic",
    "az": "azerbaijani",
    "be": "belarusian",
    "bn": "bengali",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "he": "hebrew",
    "hu": "hungarian",
    "id": "indonesian",
    "it": "italian",
    "kk": "kazakh",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sl": "slovene",
    "sq": "albanian",
    "sv": "swedish",
    "ta": "tamil",
    "tg": "tajik",
    "tr": "turkish",
    "zh": "chinese",
}


@dataclass(frozen=True, slots=True)
class WordList:
    """The stop words of one language and where they were found."""

    source: str
    words: frozenset[str]


def find(language: str) -> WordList:
    """The list of an ISO 639-1 language; raises DataError when there is none, MissingPackageError without a package."""
    text = _nltk_text(_NLTK[language]) if language in _NLTK else None
    if text is not None:
        return WordList("nltk", frozenset(text.split()))
    version = plugins.require(["stopwordsiso"], "the step stopwords")["stopwordsiso"]
    import stopwordsiso

    if not stopwordsiso.has_lang(language):
        allowed = sorted({*stopwordsiso.langs(), *(code for code, name in _NLTK.items() if _nltk_text(name))})
        raise DataError(
            f"there is no list of stop words for the language {language!r}; allowed: {', '.join(allowed)}",
            where="preprocess.steps",
            hint="list the words themselves in `add`",
        )
    return WordList(f"stopwordsiso {version}", frozenset(stopwordsiso.stopwords(language)))


def _nltk_folders() -> list[Path]:
    """Where nltk looks for its data. Importing nltk to learn it takes a second, and is not needed to read a list."""
    loaded = sys.modules.get("nltk.data")
    if loaded is not None:
        return [Path(str(folder)) for folder in loaded.path]
    home = os.path.expanduser("~")  # noqa: PTH111  # Path.home() raises where there is none
    folders = [Path(folder).expanduser() for folder in os.environ.get("NLTK_DATA", "").split(os.pathsep) if folder]
    folders += [Path(home) / "nltk_data"] if home != "~" else []
    folders += [Path(sys.prefix) / part / "nltk_data" for part in ("", "share", "lib")]
    return folders + [
        Path(root) / "nltk_data" for root in ("/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib")
    ]


def _nltk_text(name: str) -> str | None:
    for folder in _nltk_folders():
        plain = folder / "corpora" / "stopwords" / name
        packed = folder / "corpora" / "stopwords.zip"
        try:
            if plain.is_file():
                return plain.read_text(encoding="utf-8")
            if packed.is_file():
                with zipfile.ZipFile(packed) as archive:
                    return archive.read(f"stopwords/{name}").decode("utf-8")
        except KeyError:
            continue  # an older archive without this language
        except (OSError, UnicodeDecodeError, zipfile.BadZipFile) as error:
            raise DataError(
                "nltk's list of stop words cannot be read", where=str(folder / "corpora"), hint=str(error)
            ) from error
    return None
