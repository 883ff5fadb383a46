"""The bill of materials, as CycloneDX 1.6: the model, the data and files it was made of, the packages it needs."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from aiaas.report.judged import Judged

if TYPE_CHECKING:
    from cyclonedx.model import HashType, Property
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License
    from cyclonedx.model.tool import ToolRepository

_PREFIX = "aiaas:"
_SLICED = 50


def bill_of_materials(judged: Judged) -> str:
    """The bill as JSON. Equal models have the same serial number."""
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.output.json import JsonV1Dot6

    model, data, packages = _model(judged), _data(judged), _packages(judged)
    bom = Bom(
        serial_number=uuid.UUID(bytes=hashlib.sha256(_identity(judged).encode()).digest()[:16], version=4),
        metadata=BomMetaData(component=model, tools=_tools()),
        components=[*data, *packages],
    )
    bom.register_dependency(model, [*data, *packages])
    made = json.loads(JsonV1Dot6(bom).output_as_string())
    # The library has no model cards yet; the schema has.
    made["metadata"]["component"]["modelCard"] = _card(judged, data)
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def _identity(judged: Judged) -> str:
    return str(judged.fit.get("model_digest") or judged.bundle.get("digest") or json.dumps(judged.metrics, default=str))


def _tools() -> ToolRepository:
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.tool import ToolRepository

    return ToolRepository(
        components=[Component(type=ComponentType.APPLICATION, name="aiaas", version=version("aiaas"))]
    )


def _model(judged: Judged) -> Component:
    from cyclonedx.model.component import Component, ComponentType

    digest = judged.fit.get("model_digest")
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=judged.name,
        bom_ref=f"model:{judged.name}",
        version=_identity(judged)[:12] if digest or judged.bundle else None,
        description=f"{judged.task}, {judged.model}",
        hashes=_hashes(digest),
        properties=_properties(
            {
                "seed": judged.recipe.get("seed"),
                "recipe": json.dumps(judged.recipe, ensure_ascii=False, sort_keys=True),
                "bundle.sha256": judged.bundle.get("digest"),
                "runtime": judged.bundle.get("runtime"),
                "precision": judged.bundle.get("precision"),
            }
        ),
    )


def _data(judged: Judged) -> list[Component]:
    """The sources of the rows, then the files that the fit read besides them."""
    from cyclonedx.model.component import Component, ComponentType

    found = [
        Component(
            type=ComponentType.DATA,
            name=str(source["source"]),
            bom_ref=f"data:{number}",
            version=source.get("revision") or None,
            hashes=_hashes(source.get("sha256")),
            licenses=_licences(source.get("licence")),
            properties=_properties({name: source.get(name) for name in ("rows", "bytes", "when", "label", "split")}),
        )
        for number, source in enumerate(judged.sources)
    ]
    for name, origin in (judged.fit.get("origins") or {}).items():
        files = list((origin.get("files") or {}).values())
        found.append(
            Component(
                type=ComponentType.DATA,
                name=str(origin["address"]),
                bom_ref=f"origin:{name}",
                version=origin.get("revision") or None,
                hashes=_hashes(files[0] if len(files) == 1 else None),
                licenses=_licences(origin.get("licence")),
                properties=_properties(
                    {"read.as": name, "bytes": origin.get("bytes")}
                    | {f"file.{path}": digest for path, digest in (origin.get("files") or {}).items()}
                ),
            )
        )
    return found


def _packages(judged: Judged) -> list[Component]:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    needed: Mapping[str, str] = {**(judged.fit.get("packages") or {}), "aiaas": version("aiaas")}
    return [
        Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=number,
            bom_ref=f"pypi:{name}",
            purl=PackageURL("pypi", name=name.lower().replace("_", "-"), version=number),
        )
        for name, number in needed.items()
    ]


def _hashes(digest: str | None) -> list[HashType]:
    from cyclonedx.model import HashAlgorithm, HashType

    return [HashType(alg=HashAlgorithm.SHA_256, content=digest)] if digest else []


def _licences(name: str | None) -> list[License]:
    """By its SPDX id where it is one, else by its name."""
    from cyclonedx.model.license import DisjunctiveLicense
    from cyclonedx.spdx import fixup_id

    if not name:
        return []
    known = fixup_id(name.removesuffix(" License"))
    return [DisjunctiveLicense(id=known) if known else DisjunctiveLicense(name=name)]


def _properties(values: Mapping[str, Any]) -> list[Property]:
    from cyclonedx.model import Property

    return [
        Property(name=f"{_PREFIX}{name}", value=str(each)) for name, each in values.items() if each not in (None, "")
    ]


def _card(judged: Judged, data: list[Component]) -> dict[str, Any]:
    """The model card of the schema: what it is, what it learned from, and what it reaches, on all rows and by slice."""
    performance = [_performance(name, value, judged.interval(name)) for name, value in judged.flat.items()]
    for each in (judged.metrics.get("slices") or ())[:_SLICED]:
        intervals = each.get("intervals", {})
        where = f"{each['slice']}: {each['value']}"
        performance += [
            _performance(name, value, intervals.get(name), where) for name, value in each["metrics"].items()
        ]
    return {
        "modelParameters": {
            "task": judged.task,
            "architectureFamily": judged.recipe["model"]["backend"],
            "modelArchitecture": judged.recipe["model"]["architecture"],
            "datasets": [{"ref": each.bom_ref.value} for each in data],
        },
        "quantitativeAnalysis": {"performanceMetrics": [each for each in performance if each]},
        "considerations": {
            "technicalLimitations": [f"{note}." for note in judged.metrics.get("notes") or ()]
            or ["The figures are of rows like the test rows; they say nothing of others."]
        },
    }


def _performance(name: str, value: float | None, ends: Any, where: str = "") -> dict[str, Any] | None:
    if value is None:
        return None
    bounds = {"confidenceInterval": {"lowerBound": f"{ends[0]:.6g}", "upperBound": f"{ends[1]:.6g}"}} if ends else {}
    return {"type": name, "value": f"{value:.6g}", **({"slice": where} if where else {}), **bounds}
