"""The report of an evaluation: a page, the same in a terminal, a model card, a bill of materials.

All are made of one `Judged`, which holds what the stages left, and each part of them is there only if its data is.
"""

from aiaas.report.bom import bill_of_materials
from aiaas.report.card import model_card
from aiaas.report.judged import Judged
from aiaas.report.page import page
from aiaas.report.write import BOM, CARD, PAGE, write

__all__ = ["BOM", "CARD", "PAGE", "Judged", "bill_of_materials", "model_card", "page", "write"]
