"""The only place that knows the order of the stages."""

from aiaas.pipeline.plan import FIRST, Planned, plan
from aiaas.pipeline.run import Listener, Result, StageResult, run
from aiaas.pipeline.stages import STAGES

__all__ = ["FIRST", "STAGES", "Listener", "Planned", "Result", "StageResult", "plan", "run"]
