"""The kinds of exports as the API shows them: a declaration each, from which routes, answers and OpenAPI follow.

Nothing comes in; ``KINDS`` goes out. What differs between kinds on the wire (names, casing, the words of the answer) is
here and in the bodies named here; everything else is the same code.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from leadline.api.models import (
    CreatedBody,
    EfficiencyCreatedBody,
    EfficiencyExportBody,
    EfficiencyListBody,
    ExportBody,
    ListBody,
)
from leadline.exports.models import EfficiencyExportRequest, ProductivityExportRequest


@dataclass(frozen=True)
class ExportKind:
    """One kind of export: ``name`` in paths and job rows, the model that documents its request, the bodies of its
    answers, and ``created``, what a create answers."""

    name: str
    request: type[BaseModel]
    created: str
    created_body: type[CreatedBody] = CreatedBody
    export_body: type[ExportBody] = ExportBody
    list_body: type[ListBody] = ListBody

    @property
    def path(self) -> str:
        """Where the kind's exports are."""
        return f"/v2/insights/{self.name}/exports"

    @property
    def catalogue_path(self) -> str:
        """Where the kind's metrics are."""
        return f"/v2/insights/{self.name}/metrics"


KINDS = (
    ExportKind("productivity", ProductivityExportRequest, "Export created successfully"),
    ExportKind(
        "efficiency",
        EfficiencyExportRequest,
        "Export job created successfully",
        EfficiencyCreatedBody,
        EfficiencyExportBody,
        EfficiencyListBody,
    ),
)
