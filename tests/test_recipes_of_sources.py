"""The recipes that show a source, as they stand; the servers that some need are started here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import postgres, recipe_servers
from tests.conftest import Aiaas, answer

ROOT = Path(__file__).parent.parent
Run = Callable[..., dict[str, object]]


def run(aiaas: Aiaas, recipe: str, verb: str = "evaluate", **environment: str) -> dict[str, object]:
    done = aiaas(verb, str(ROOT / "recipes" / recipe), "--json", environment=environment)
    assert done.returncode == 0, done.stderr
    return answer(done)


def accuracy(said: dict[str, object]) -> float:
    metrics = said["metrics"]
    assert isinstance(metrics, dict)
    return float(metrics["accuracy"])


def test_the_same_table_out_of_every_format_gives_the_same_model(aiaas: Aiaas) -> None:
    found = {name: accuracy(run(aiaas, f"churn_{name}.yaml")) for name in ("logistic", "excel", "arrow")}
    assert set(found.values()) == {found["logistic"]}


def test_a_database(aiaas: Aiaas) -> None:
    """SQLite has no truth values: 1 and 0 stand in their place, so other rows are drawn for the test."""
    said = run(aiaas, "churn_sql.yaml")
    assert accuracy(said) >= 0.75


def test_a_table_of_a_page(aiaas: Aiaas) -> None:
    said = run(aiaas, "rentals_html.yaml")
    assert said["metrics"] == run(aiaas, "rentals_linear.yaml")["metrics"]


def test_an_archive_with_a_table_that_names_pictures(aiaas: Aiaas) -> None:
    said = run(aiaas, "shapes_cnn.yaml", "collect")
    assert said["stages"]
    done = aiaas("preprocess", str(ROOT / "recipes" / "shapes_cnn.yaml"))
    assert "300 rows from 1 source: 300 PNG of 16 x 16 pixels" in done.stderr or "cached" in done.stderr


@pytest.mark.skipif(postgres.ready() is not None, reason=str(postgres.ready()))
def test_a_postgresql(aiaas: Aiaas) -> None:
    import sqlalchemy as sa

    with recipe_servers.database() as served:
        said = run(aiaas, "churn_postgresql.yaml", **served.environment)
        assert accuracy(said) >= 0.75
        again = run(aiaas, "churn_postgresql.yaml", "collect", **served.environment)
        assert again["stages"][0]["cached"]  # type: ignore[index]
        with served.server.begin() as database:
            database.execute(sa.text("DELETE FROM customers WHERE id > 1100"))
        planned = aiaas("plan", str(ROOT / "recipes" / "churn_postgresql.yaml"), environment=served.environment)
        assert "the source sql:${env:CHURN_DATABASE} changed: version was [1200, 1200.0], is" in planned.stdout


def test_a_store_that_speaks_s3(aiaas: Aiaas) -> None:
    pytest.importorskip("s3fs")
    with recipe_servers.store() as served:
        assert accuracy(run(aiaas, "churn_s3.yaml", **served.environment)) >= 0.75
