"""What a network learns from: generators, digits, pairs; and how samples are shared out."""

from .arrays import Arrays
from .augment import Warp
from .auto_mpg import auto_mpg, auto_mpg_table
from .colored import colored_digits
from .dataset import Dataset
from .digits import digits
from .encoder import Encoder
from .errors import DataError
from .idx import read_idx
from .missing import fill_missing
from .pairs import digit_pairs
from .plane import bullseye, checkerboard, circles, disk, moons, spirals, xor
from .prepare import Preparation
from .reading import read_data
from .splits import holdout, kfold, repeated_kfold
from .standardize import Standardizer, standardize, standardize_targets
from .table import Table, read_csv
from .targets import one_hot
from .upright import upright

__all__ = [
    "Arrays",
    "DataError",
    "Dataset",
    "Encoder",
    "Preparation",
    "Standardizer",
    "Table",
    "Warp",
    "auto_mpg",
    "auto_mpg_table",
    "bullseye",
    "checkerboard",
    "circles",
    "colored_digits",
    "digit_pairs",
    "digits",
    "disk",
    "fill_missing",
    "holdout",
    "kfold",
    "moons",
    "one_hot",
    "read_csv",
    "read_data",
    "read_idx",
    "repeated_kfold",
    "spirals",
    "standardize",
    "standardize_targets",
    "upright",
    "xor",
]
