"""Models held against each other on the same rows."""

from aiaas.compare.ground import Ground, answered, judged_by, refuse_others

__all__ = ["Ground", "answered", "judged_by", "refuse_others"]
