"""What decides a number in the result of a study, and fingerprints of it."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from chainrule.study.spec.declaration import Declaration

__all__ = ["NON_SEMANTIC_FIELDS", "digest_content", "digest_declaration", "semantic_content"]

NON_SEMANTIC_FIELDS = {
    *("summary", "baseline", "rope", "reported", "quick", "failure_value"),
    *("keep", "compile", "timing", "callbacks", "part_of"),
}
"""What changes how results are shown and compared, but no training."""


def digest_content(study: Declaration) -> str:
    """SHA-256 of all that decides a number in the result; see :attr:`Study.digest`."""
    content = semantic_content(study)
    content |= {"metric": study.metric_name, "order": [[*study.factors], [*study.space]]}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def digest_declaration(study: Declaration) -> str:
    """SHA-256 of all that is declared, rope and baseline too: of the text that a store keeps."""
    return sha256(study.to_toml().encode()).hexdigest()


def semantic_content(study: Declaration) -> dict[str, Any]:
    """What was declared of all that decides a number; of a file its SHA-256, not its place."""
    content = {k: v for k, v in study.as_dict().items() if k not in NON_SEMANTIC_FIELDS}
    search = {k: v for k, v in content.pop("search", {}).items() if k != "each_round"}
    search |= {"each_round": True} if study.searches_each_round else {}
    content |= {"search": search} if search else {}
    if study.sequential is not None:
        content["rounds"] = {**study.sequential.model_dump(), "looks": study.looks, "max": None}
    remove_compile(content)
    if study.datasets:
        content["datasets"] = {k: forget_place(v) for k, v in content["datasets"].items()}
    else:
        content["data"] = forget_place(content["data"])
    return content


def forget_place(data: dict[str, Any]) -> dict[str, Any]:
    """A data set without where its CSV file is: its SHA-256 names the content."""
    return {k: v for k, v in data.items() if k != "csv" or "sha256" not in data}


def remove_compile(content: dict[str, Any]) -> None:
    """Take out who computes: an argument of chainrule's trainer, which decides no number."""
    levels = [level for of in content.get("factors", {}).values() for level in of.values()]
    is_default = content.get("trainer", {}).get("name", "Trainer") == "Trainer"
    for drafts in (*content.get("arms", {}).values(), *levels, content):
        trainer = drafts.get("trainer", {})
        if "compile" in trainer and trainer.get("name", "Trainer") == "Trainer":
            drafts["trainer"] = {k: v for k, v in trainer.items() if k != "compile"}
            if is_default and not drafts["trainer"].keys() - {"name"}:
                del drafts["trainer"]
