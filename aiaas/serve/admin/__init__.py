"""What administrators do over the API: keys and tenants (`keys`), and which versions answer (`models`).

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
    from aiaas.serve.service import Service

__all__ = ["paths", "routes"]


def routes(service: Service, control: Control) -> list[Route]:
    return [*keys.routes(control), *models.routes(service, control)]
