"""Small data sets, clean ones and such in which one thing is wrong, and what an inspection says of them."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiaas.contracts import Finding
from aiaas.inspect.report import Report
from aiaas.pipeline.looking import Told, look_at_file

THINGS = [
    "房间",
    "服务",
    "早餐",
    "位置",
    "前台",
    "价格",
    "环境",
    "床铺",
    "电视",
    "空调",
    "热水",
    "电梯",
    "停车场",
    "网络",
    "隔音",
    "窗户",
    "浴室",
    "毛巾",
    "枕头",
    "走廊",
    "大堂",
    "泳池",
    "健身房",
    "餐厅",
    "咖啡",
    "行李",
    "钥匙",
    "阳台",
    "灯光",
    "地毯",
    "冰箱",
    "水果",
    "花园",
    "海景",
    "地铁",
    "出租车",
    "超市",
    "夜景",
    "被子",
    "拖鞋",
]
GOOD = ["很好", "干净", "满意", "热情", "舒适", "划算", "喜欢", "推荐", "安静", "周到", "方便", "漂亮"]
BAD = ["很差", "脏乱", "失望", "冷淡", "吵闹", "太贵", "讨厌", "后悔", "拥挤", "破旧", "敷衍", "难看"]


def reviews(count: int, seed: int = 0, share: float = 0.5) -> list[tuple[str, str]]:
    """Different reviews with their labels, none nearly like another; `share` of them are good."""
    lot = random.Random(seed)
    made: dict[str, str] = {}
    while len(made) < count:
        good = len(made) < count * share
        words = GOOD if good else BAD
        clauses = [f"{thing}{lot.choice(words)}" for thing in lot.sample(THINGS, 6)]
        made["，".join(clauses)] = "pos" if good else "neg"
    rows = list(made.items())
    lot.shuffle(rows)
    return rows


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """A CSV file."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(rows)
    path.write_text(out.getvalue(), "utf-8")
    return path


def look(path: Path, **told: str) -> Report:
    """What an inspection says of a file."""
    report, _ = look_at_file(str(path), Told(**told), path.parent / "downloads")
    return report


def found(report: Report) -> Mapping[str, Finding]:
    return {each.name: each for each in report.findings}


def serious(report: Report) -> set[str]:
    """The names of what is more than a note."""
    return {each.name for each in report.findings if each.level != "note"}
