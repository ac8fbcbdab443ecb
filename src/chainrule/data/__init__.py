"""What a network learns from: generators, digits, pairs; and how samples are shared out."""

from .augment import Warp
from .dataset import Dataset
from .digits import digits
from .errors import DataError
from .idx import read_idx
from .pairs import digit_pairs
from .plane import checkerboard, circles, disk, moons, spirals, xor
from .splits import holdout, kfold, repeated_kfold
from .standardize import Standardizer, standardize
from .targets import one_hot

__all__ = [
    "DataError",
    "Dataset",
    "Standardizer",
    "Warp",
    "checkerboard",
    "circles",
    "digit_pairs",
    "digits",
    "disk",
    "holdout",
    "kfold",
    "moons",
    "one_hot",
    "read_idx",
    "repeated_kfold",
    "spirals",
    "standardize",
    "xor",
]
