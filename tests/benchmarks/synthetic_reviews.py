"""Reviews made by lot: Chinese and English, 200 bytes each, as CSV or JSON lines by the name of the file.

    python tests/benchmarks/synthetic_reviews.py OUT.csv --rows 5000000 --seed 0

Columns `text` and `label` (pos, neg). The label follows from the words, as far as that goes in life. One row in twenty
repeats another to the letter, one in forty nearly; one in thirty holds a phone number or an e-mail address; some hold
HTML, odd spaces, signs of full width, emoji. Words are as unequally frequent as those of a language. The first rows of
a longer file are those of a shorter one.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
import multiprocessing
import os
import random
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

BLOCK = 25_000
"""Rows that are made together, from a seed of their own: blocks may be made in any order."""

Row = tuple[str, str]

THINGS = {
    "zh": "房间 服务 前台 早餐 位置 床 空调 热水 价格 快递 包装 质量 屏幕 电池 键盘 音质 面料 颜色 尺码 味道 分量 客服 物流 "
    "手感 做工 说明书 停车场 隔音 网络 电梯 浴室 窗户 味觉 口感 鞋底 拉链 纸张 印刷 内容 故事".split(),
    "en": "room service reception breakfast location bed heater shower price delivery packaging quality screen battery "
    "keyboard sound fabric colour size taste portion support shipping grip finish manual parking network lift "
    "bathroom window zip sole paper print content story plot seat table".split(),
}
GOOD = {
    "zh": "干净 舒服 热情 方便 实惠 漂亮 结实 清晰 好吃 新鲜 安静 满意 周到 耐用 精致 快 划算 宽敞 贴心 值得".split(),
    "en": "clean comfortable friendly handy cheap lovely sturdy crisp tasty fresh quiet satisfying thoughtful durable "
    "elegant fast fair spacious caring worthwhile".split(),
}
BAD = {
    "zh": "脏 难受 冷淡 麻烦 昂贵 难看 易坏 模糊 难吃 陈旧 吵闹 失望 敷衍 粗糙 劣质 慢 坑人 狭小 糟糕 后悔".split(),
    "en": "dirty painful rude awkward overpriced ugly flimsy blurry bland stale noisy disappointing careless shoddy "
    "crude slow unfair cramped awful regrettable".split(),
}
SAID = {
    "zh": "{thing}很{word}|{thing}真的{word}|{thing}有点{word}|觉得{thing}特别{word}|{name}的{thing}非常{word}|"
    "和{name}比{thing}更{word}|没想到{thing}这么{word}|{thing}太{word}了|{name}家的{thing}一直{word}".split("|"),
    "en": "the {thing} was {word}|the {thing} is really {word}|a bit {word}, the {thing}|"
    "I found the {thing} {word}|{name} has a {word} {thing}|more {word} than {name}, this {thing}|"
    "never had such a {word} {thing}|the {thing} at {name} is always {word}".split("|"),
}
AROUND = {
    "zh": "在{name}买的|住了{number}晚|上个月去的{name}|第{number}次来|朋友{name}推荐的|用了{number}天|"
    "订单{number}|花了{number}元|从{name}寄来|带孩子一起|出差路过{name}|给家里人用".split("|"),
    "en": "bought it in {name}|stayed {number} nights|went to {name} last month|visit number {number}|"
    "my friend {name} told me|used it for {number} days|order {number}|paid {number} for it|sent from {name}|"
    "came with the kids|on the way to {name}|it is for my family".split("|"),
}
CHARACTERS = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得"
    "经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事"
    "平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题"
    "党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被"
)
SYLLABLES = "ba be da de fa fi ga go ha he ka ko la li lo ma me mi na no pa pe ra re ri ro sa se so ta te to va ve wa"
NAMES = 60_000
HTML = ("<br>", "<br />", "&amp;", "&nbsp;", "<p>", "</p>", "&quot;", '<a href="https://example.com/x?a=1&amp;b=2">')
SIGNS = ("!!!", "～～", "😀", "👍", "…", "  ", "\u3000", "？！", "（ＯＫ）", "\u200b")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write reviews made by lot.")
    parser.add_argument("out", type=Path, help="a file that ends in .csv or .jsonl")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    if asked.out.suffix not in (".csv", ".jsonl"):
        parser.error("OUT must end in .csv or .jsonl")
    jobs = [
        (asked.out.suffix, asked.seed, first // BLOCK, min(BLOCK, asked.rows - first))
        for first in range(0, asked.rows, BLOCK)
    ]
    with asked.out.open("wb") as stream, multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        stream.write(b"text,label\n" if asked.out.suffix == ".csv" else b"")
        for number, block in enumerate(pool.imap(_written, jobs), 1):
            stream.write(block)
            if sys.stderr.isatty():
                print(f"\r{number / len(jobs):.0%}", end="", file=sys.stderr)


def _written(job: tuple[str, int, int, int]) -> bytes:
    """The bytes of one block in the file."""
    suffix, seed, number, rows = job
    made = block(seed, number)[:rows]
    if suffix == ".csv":
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(made)
        return out.getvalue().encode()
    encode = json.JSONEncoder(ensure_ascii=False).encode
    return "".join(f"{encode({'text': text, 'label': label})}\n" for text, label in made).encode()


def block(seed: int, number: int) -> list[Row]:
    """The rows of one block. Equal arguments, equal rows, in every process."""
    lot = random.Random(f"{seed} {number}")
    rows = _fresh(lot, BLOCK)
    known = _popular(seed)
    for place in lot.sample(range(BLOCK), BLOCK * 3 // 40):  # what was said before, here or anywhere in the file
        text, label = lot.choice(known) if lot.random() < 0.5 else rows[lot.randrange(BLOCK)]
        rows[place] = (text if lot.random() < 2 / 3 else _nearly(lot, text), label)
    return rows


@cache
def _popular(seed: int) -> list[Row]:
    """Reviews that are repeated all over the file."""
    return _fresh(random.Random(f"{seed} popular"), 20_000)


def _fresh(lot: random.Random, count: int) -> list[Row]:
    """`count` reviews, each made of clauses: what was judged, most of it as the label says, and what stands around."""
    banks = {(language, kind): _clauses(lot, language, kind) for language in ("zh", "en") for kind in (*"+-", " ")}
    picks = {key: iter(lot.choices(bank, k=count * 5)) for key, bank in banks.items()}
    rows: list[Row] = []
    for _ in range(count):
        language = "zh" if lot.random() < 0.6 else "en"
        positive = lot.random() < 0.55
        clauses = [
            next(picks[language, "+" if positive == (lot.random() < 0.85) else "-"])
            for _ in range(2 + int(lot.random() * 3))
        ]
        clauses += itertools.islice(picks[language, " "], 1 + int(lot.random() * 4))
        lot.shuffle(clauses)
        text = ("，" if language == "zh" else ", ").join(clauses) + ("。" if language == "zh" else ".")
        chance = lot.random()
        if chance < 0.2:
            text = _decorated(lot, text, chance)
        # One person in thirty clicks on the wrong star.
        rows.append((text, "pos" if positive == (lot.random() > 1 / 30) else "neg"))
    return rows


def _clauses(lot: random.Random, language: str, kind: str, count: int = 6000) -> list[str]:
    """Clauses of one language, of good (+), of bad (-), or of what is neither."""
    names = lot.choices(_names(language), cum_weights=_zipf(NAMES), k=count)
    if kind == " ":
        return [
            pattern.format(name=name, number=number)
            for pattern, name, number in zip(
                lot.choices(AROUND[language], k=count),
                names,
                (int(1 + 5000 * lot.random() ** 4) for _ in range(count)),
                strict=True,
            )
        ]
    words = (GOOD if kind == "+" else BAD)[language]
    things = THINGS[language]
    return [
        pattern.format(thing=thing, word=word, name=name)
        for pattern, thing, word, name in zip(
            lot.choices(SAID[language], k=count),
            lot.choices(things, cum_weights=_zipf(len(things)), k=count),
            lot.choices(words, cum_weights=_zipf(len(words)), k=count),
            names,
            strict=True,
        )
    ]


@cache
def _names(language: str) -> Sequence[str]:
    """Names of people, places and goods, the same ones in every file."""
    lot = random.Random(language)
    parts, sizes = (CHARACTERS, (2, 3)) if language == "zh" else (SYLLABLES.split(), (2, 3, 4))
    made = ("".join(lot.choices(parts, k=lot.choice(sizes))) for _ in range(NAMES))
    return [name if language == "zh" else name.capitalize() for name in made]


@cache
def _zipf(count: int) -> Sequence[float]:
    """Running sums of 1, 1/2, 1/3 …"""
    return list(itertools.accumulate(1 / rank for rank in range(1, count + 1)))


def _decorated(lot: random.Random, text: str, chance: float) -> str:
    """A review with what stands in real ones besides words; `chance` is below 0.2."""
    place = lot.randrange(len(text))
    if chance < 0.06:
        sign = lot.choice(HTML)
        return f"<b>{text[:place]}</b>{sign}{text[place:]}"
    if chance < 0.14:
        return text[:place] + lot.choice(SIGNS) + text[place:]
    if chance < 0.165:
        return text
    if chance < 0.185:
        phone = f"1{lot.choice('3456789')}{lot.randrange(10**9):09d}"
        return f"{text} {lot.choice(('电话', '微信', 'call me:', 'tel.'))}{phone}"
    name = lot.choice(_names("en")).lower()
    return f"{text} {name}{lot.randrange(1000)}@{lot.choice(('example.com', 'mail.example.cn', 'example.org'))}"


def _nearly(lot: random.Random, text: str) -> str:
    """The same review with a small change."""
    place = lot.randrange(len(text))
    match lot.randrange(3):
        case 0:
            return text[:place] + text[place + 1 :]
        case 1:
            return text[:place] + lot.choice(SIGNS) + text[place:]
        case _:
            return text + lot.choice((" 好评", "谢谢", " thanks", "!", " 123"))


if __name__ == "__main__":
    main()
