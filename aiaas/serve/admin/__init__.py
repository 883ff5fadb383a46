"""What administrators do over the API: keys and tenants (`keys`), which models and versions answer (`models`).

Everything here is below /v1/admin, for which the boundary asks for the scope admin. An administrator is one of the
whole service: the tenant and the models of the key bound nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiaas.serve.admin import keys, models
from aiaas.serve.admin.document import paths

if TYPE_CHECKING:
    from starlette.routing import Route

    from aiaas.control import Control
    from aiaas.serve.managing import Manager
    from aiaas.serve.service import Service

__all__ = ["paths", "routes"]


def routes(service: Service, control: Control, manager: Manager | None) -> list[Route]:
    """Without a manager the models that answer stay as they are."""
    managing = models.managing(service, control, manager) if manager else ()
    return [*keys.routes(control), *models.routes(service, control), *managing]
