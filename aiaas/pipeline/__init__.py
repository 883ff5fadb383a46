"""The only place that knows the order of the stages."""

from aiaas.pipeline.fetching import Fetched, fetch
from aiaas.pipeline.plan import FIRST, Planned, plan
from aiaas.pipeline.result import Result, StageResult
from aiaas.pipeline.run import Listener, run
from aiaas.pipeline.stages import STAGES

__all__ = ["FIRST", "STAGES", "Fetched", "Listener", "Planned", "Result", "StageResult", "fetch", "plan", "run"]
