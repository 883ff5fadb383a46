"""Ask a service: `Client`, and `AsyncClient` for programs that wait for many things at once.

    with aiaas.Client("https://models.example.org", key="…") as client:
        client.predict("reviews-zh-nb", ["房间很干净", "太吵了"]).outputs

Inputs of any number are split into requests that are sent side by side; requests that a service asks to send later are
sent again when it says. What goes wrong is an error of `aiaas.errors`.
"""

from aiaas.client.answers import Answers, Model
from aiaas.client.asynchronous import AsyncClient
from aiaas.client.synchronous import Client

__all__ = ["Answers", "AsyncClient", "Client", "Model"]
