"""Personal data: how well they are found in data/pii, and how fast in synthetic reviews, beside a script of regular
expressions and, where it is installed, Presidio.

python tests/benchmarks/pii.py [MB]
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import pii_score
from measure import report
from plain import pii_regex

BATCH = 2000
ZH = (
    "房间很干净，前台小哥态度也不错",
    "早餐种类多，就是人太多要排队",
    "隔音一般，晚上能听见走廊的声音",
    "性价比很高，下次出差还会选这里",
    "物流很快，包装完好，客服耐心解答了我的问题",
    "电池不太耐用，充满电只能用半天",
    "做工比想象中好，颜色和图片一致",
    "位置好找，离地铁2号线出口走路5分钟",
    "买的时候1299元，过了3天就降价到999",
    "6月18日下的单，20号就到了",
    "屏幕6.7寸，分辨率2400x1080，看视频很舒服",
    "给4星，扣1星是因为少了一根数据线",
    "住了2晚，订的是8楼的大床房",
    "评分8.5，比上次住的那家强",
)
EN = (
    "The room was clean and the staff at the front desk were friendly",
    "Breakfast had plenty of choice but the queue was long",
    "You can hear the corridor at night, bring ear plugs",
    "Great value for money, we would stay here again",
    "Shipping was quick and the box arrived in one piece",
    "The battery barely lasts half a day after a full charge",
    "Colour matches the picture and it feels solid in the hand",
    "It is a 5 minute walk from the station, very convenient",
    "I paid $129.99 and three days later it was $99",
    "Ordered on June 18 and it arrived on the 20th at 10:30",
    "The 6.7 inch screen at 2400 x 1080 is a joy to look at",
    "4 stars, one off because the cable was missing",
    "We booked 2 nights on the 8th floor with a view",
    "Version 2.1.4 fixed the crash, so I updated my review",
)
PERSONAL_ZH = (
    "电话13912345678，麻烦回电",
    "邮箱zhang@example.com",
    "寄到北京市海淀区学院路30号",
    "身份证110199199001010019",
)
PERSONAL_EN = (
    "call me at (202) 555-0143",
    "write to jane@example.com",
    "ship it to 18 Maple Street",
    "SSN 524-36-1907",
)


def reviews(sentences: Sequence[str], personal: Sequence[str], end: str, megabytes: float) -> list[str]:
    """Reviews of two to eight sentences; one in fifty holds personal data."""
    draw = random.Random(5)
    made: list[str] = []
    size = 0
    while size < megabytes * 1e6:
        parts = draw.choices(sentences, k=draw.randint(2, 8))
        if draw.random() < 0.02:
            parts.append(draw.choice(personal))
        made.append(end.join(parts) + end)
        size += len(made[-1].encode())
    return made


def rate(texts: Sequence[str], work: Callable[[Sequence[str]], Any]) -> float:
    """Megabytes of UTF-8 that a second of one core takes, the best of three."""
    size = sum(len(text.encode()) for text in texts) / 1e6
    work(texts[:BATCH])
    taken = []
    for _ in range(3):
        start = time.process_time()
        for first in range(0, len(texts), BATCH):
            work(texts[first : first + BATCH])
        taken.append(time.process_time() - start)
    return round(size / min(taken), 2)


def masking() -> Callable[[Sequence[str]], Any]:
    """The step as a recipe has it."""
    from aiaas import steps

    step = steps.build("mask_pii", {}, ["text"], None)
    return lambda texts: step.apply({"text": list(texts)})


def presidio() -> pii_score.Find | None:
    """Presidio without a model of a language: its patterns. None where it is not installed."""
    from aiaas.errors import MissingPackageError
    from aiaas.pii import Finder
    from aiaas.steps._pii_presidio import Presidio

    try:
        engine = Presidio(Finder(()), tuple(Finder().kinds), "en", None)
    except MissingPackageError:
        return None

    def find(texts: Sequence[str]) -> list[list[pii_score.Span]]:
        spans: list[list[pii_score.Span]] = [[] for _ in texts]
        for each in engine.find(texts):
            spans[each.text].append((each.start, each.end, each.kind))
        return spans

    return find


def main() -> None:
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    finders: dict[str, pii_score.Find] = {"aiaas": pii_score.ours, "regex": pii_regex.find}
    if theirs := presidio():
        finders["presidio"] = theirs
    figures: dict[str, Any] = {}
    for part in ("dev", "test"):
        rows = pii_score.texts(part)
        for name, find in finders.items():
            scored = pii_score.score(rows, find)
            whole = {"recall": round(scored.recall(), 4), "precision": round(scored.precision(), 4)}
            figures[f"{part} {name}"] = whole | ({"kinds": scored.by_kind()} if name == "aiaas" else {})
    speeds: dict[str, Any] = {}
    for language, sentences, personal, end in (("zh", ZH, PERSONAL_ZH, "。"), ("en", EN, PERSONAL_EN, ". ")):
        made = reviews(sentences, personal, end, megabytes)
        speeds[language] = {"aiaas": rate(made, masking())}
        small = reviews(sentences, personal, end, min(megabytes, 2.0))
        speeds[language]["regex"] = rate(small, pii_regex.find)
        if theirs:
            speeds[language]["presidio"] = rate(made[:200], theirs)
    report("pii", megabytes_a_second=speeds, **figures)


if __name__ == "__main__":
    main()
