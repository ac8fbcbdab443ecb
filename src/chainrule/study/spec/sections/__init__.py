"""The sections of a study's declaration, a file each, named as in its TOML file."""

from chainrule.study.spec.sections.data import Data, PartOf, merge_datasets, spread_data
from chainrule.study.spec.sections.search import Halving, Race, Search
from chainrule.study.spec.sections.selection import Reported, Selection

__all__ = [
    "Data",
    "Halving",
    "PartOf",
    "Race",
    "Reported",
    "Search",
    "Selection",
    "merge_datasets",
    "spread_data",
]
