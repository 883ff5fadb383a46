"""What the recipes that read from a server are pointed at: a small server of their own, with rows to learn from."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import apiserver, crawlsite, objectstore, postgres
from tests.conftest import BAD, GOOD, comments
from tests.crawlsite import Answer, Site

DATA = Path(__file__).parent.parent / "data"
TOKEN = "geheim-token"


@dataclass(frozen=True, slots=True)
class Served:
    """What a recipe is to be told: words of `--set`, variables; and the server, for whoever asks what it was asked."""

    server: Any
    words: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def reviews() -> Iterator[Served]:
    """The API of `reviews_api.yaml`: 240 reviews, 50 a page, for whoever has the token."""
    rows = [{"body": text, "rating": {"verdict": "good"}} for text in comments(GOOD, 120, 1)]
    rows += [{"body": text, "rating": {"verdict": "bad"}} for text in comments(BAD, 120, 2)]
    random.Random(3).shuffle(rows)
    with apiserver.serve(apiserver.Api(rows=rows, size=50, token=TOKEN)) as api:
        yield Served(api, (f"collect.0.source={api.url}/next",), {"REVIEWS_TOKEN": TOKEN})


@contextmanager
def topics() -> Iterator[Served]:
    """The site of `topics_crawl.yaml`; it is no public one, which the recipe is not told."""
    with crawlsite.serve(
        Site(pages=0, special=sections(60), robots="User-agent: *\nDisallow: /sport/secret\n")
    ) as site:
        words = [
            word
            for number, name in enumerate(("sport", "money"))
            for word in (f"collect.{number}.source=crawl:{site.url}/{name}/", f"collect.{number}.delay=0")
        ]
        yield Served(site, tuple(words))


def sections(pages: int) -> dict[str, Any]:
    """Two sections of a site with articles that differ in their words."""
    words = {
        "sport": ["球队", "比赛", "进球", "教练", "冠军", "球迷", "联赛", "射门"],
        "money": ["股票", "市场", "银行", "利率", "投资", "基金", "上涨", "债券"],
    }
    made: dict[str, Any] = {}
    for name, known in words.items():
        chance = random.Random(name)
        links = [f"/{name}/{number}" for number in range(pages)]
        made[f"/{name}/"] = giving("目录", "今天的内容都在这里。", [*links, f"/{name}/secret", "/weather/"])
        for number, link in enumerate(links):
            text = "，".join("".join(chance.sample(known, 3)) for _ in range(8))
            made[link] = giving(f"报道 {number}", f"{text}。", [f"/{name}/"])
    return made


def giving(title: str, text: str, links: list[str]) -> Any:
    """An article that links to others."""
    shown = "".join(f"<li><a href='{link}'>另一篇</a></li>" for link in links)
    article = f"<article><h1>{title}</h1><p>{text}</p></article>"
    html = f"<html lang=zh><title>{title}</title><nav><ul>{shown}</ul></nav>{article}"

    def give(headers: dict[str, str]) -> Answer:
        return 200, {"Content-Type": "text/html; charset=utf-8"}, html.encode()

    return give


@contextmanager
def store() -> Iterator[Served]:
    """The bucket of `churn_s3.yaml`."""
    with objectstore.serve(objectstore.Store({"shop/churn.csv": (DATA / "churn.csv").read_bytes()})) as served:
        keys = {
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "hush-hush",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        yield Served(served, (), {"STORE_URL": served.url, "BUCKET": "shop", **keys})


@contextmanager
def database() -> Iterator[Served]:
    """The PostgreSQL of `churn_postgresql.yaml`, with the table of data/churn.db; `server` is its engine."""
    import sqlalchemy as sa

    with sqlite3.connect(DATA / "churn.db") as connection:
        cursor = connection.execute("SELECT * FROM customers")
        names = [each[0] for each in cursor.description]
        lines = cursor.fetchall()
    connection.close()
    root = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        with postgres.cluster(root) as address:
            engine = sa.create_engine(address, poolclass=sa.NullPool)
            kinds = dict(zip(names, map(type, lines[0]), strict=True))
            columns = [f"{name} {'text' if kinds[name] is str else 'double precision'}" for name in names]
            with engine.begin() as opened:
                opened.execute(sa.text(f"CREATE TABLE customers ({', '.join(columns)})"))
                places = ", ".join(f":{name}" for name in names)
                rows = [dict(zip(names, line, strict=True)) for line in lines]
                opened.execute(sa.text(f"INSERT INTO customers VALUES ({places})"), rows)
            yield Served(engine, (), {"CHURN_DATABASE": address})
    finally:
        shutil.rmtree(root)


SERVERS: Mapping[str, Callable[[], AbstractContextManager[Served]]] = {
    "reviews_api": reviews,
    "topics_crawl": topics,
    "churn_s3": store,
    "churn_postgresql": database,
}
"""By the name of the recipe."""
