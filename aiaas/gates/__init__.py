"""What a model must reach before anyone may call it: floors, a champion to hold against, and what its bundle may take.

Evaluating is one thing and asking something of it another: gates read what was measured and measure nothing of the
model anew, save that a champion answers the same rows. They are judged in a stage of their own, so that another gate
costs no other evaluation.
"""

from aiaas.gates.bundles import judge_bundle
from aiaas.gates.champion import champion
from aiaas.gates.judging import Given, judge
from aiaas.gates.verdict import Verdict, enforce, told

__all__ = ["Given", "Verdict", "champion", "enforce", "judge", "judge_bundle", "told"]
