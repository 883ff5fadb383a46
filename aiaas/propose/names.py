"""What columns are called: what their names say of them, in English and Chinese."""

from __future__ import annotations

import re

TEXTS = (
    *("text", "review", "content", "comment", "sentence", "message", "body", "question", "title", "headline"),
    *("review_text", "review_body", "comment_text", "tweet", "document", "article", "description", "abstract", "query"),
    *("utterance", "prompt", "sms", "email", "summary", "subject", "v2"),
    *("文本", "评论", "内容", "正文", "标题", "评论内容", "评价", "描述", "问题", "留言", "新闻", "摘要"),
)
LABELS = (
    *("label", "class", "category", "target", "sentiment", "verdict", "topic", "tag", "cat", "y"),
    *("label_text", "intent", "emotion", "polarity", "outcome", "species", "diagnosis", "result", "spam", "v1"),
    *("rating", "stars", "score", "overall", "type", "issue_type", "kind", "genre"),
    *("component", "component/s", "queue", "department", "section", "priority", "labels"),
    *("标签", "类别", "分类", "情感", "情感倾向", "类型", "意图", "主题", "结果", "评分", "星级", "是否流失"),
)
TARGETS = (
    *("target", "y", "price", "sales", "revenue", "rent", "salary", "yield", "mpg", "medv", "charges"),
    *("sale_price", "house_value", "median_house_value", "market_value"),
    *("价格", "房价", "租金", "销量", "工资", "总价", "单价", "产量"),
)
SPLITS = frozenset({"train", "validation", "test", "dev", "val", "valid", ""})
_DECIDES = re.compile(
    r"^(is|has|was|will|did)_|(^|_)(label|class|category|target|churned|churn|survived|approved|default(ed)?|fraud|"
    r"spam|outcome|purchased|bought|clicked|converted|exited|attrition|subscribed|sentiment|price|rent|loan_status)(_|$)|"
    r"是否|标签|类别",
)
_WHOSE = re.compile(
    r"(^|_)(user|customer|client|patient|session|account|author|person|member|household|device|group|speaker"
    r"|subject(?=_?(id|no|key|number)))(_?id|_?no|_?key|_?number|_?e?mail)?$|^(用户|客户|患者|会员|作者)(id|编号|号)?$",
    re.IGNORECASE,
)


def place(name: str, known: tuple[str, ...]) -> int | None:
    """Where a name stands among known ones, whatever its case; None where it does not."""
    plain = _plain(name)
    return known.index(plain) if plain in known else None


def decides(name: str) -> bool:
    """Whether a column is called like something that one wants to know of a row."""
    return bool(_DECIDES.search(_plain(name)))


def whose(name: str) -> bool:
    """Whether a column is called like the person, or the thing, that several rows may belong to."""
    return bool(_WHOSE.search(_plain(name)))


def _plain(name: str) -> str:
    """A name in small letters, its words parted by underscores: of reviewText, Review Text and review-text the same."""
    return re.sub(r"[\s-]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())).casefold()
