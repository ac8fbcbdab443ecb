"""What a network learns from: generators, digits, pairs; and how samples are shared out."""

from chainrule.data.augment import (
    Augmentation,
    Compose,
    Cutout,
    GaussianNoise,
    MixUp,
    PadImages,
    RandomCrop,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
    SwapPair,
    Warp,
)
from chainrule.data.batches import DataLoader
from chainrule.data.dataset import Dataset
from chainrule.data.datasets.auto_mpg import auto_mpg, auto_mpg_table
from chainrule.data.datasets.bundled_tables import BUNDLED_TABLES, bundled_table
from chainrule.data.datasets.colored_digits import colored_digits
from chainrule.data.datasets.digit_pairs import digit_pairs
from chainrule.data.datasets.digits import digits
from chainrule.data.datasets.noisy_digits import noisy_digits
from chainrule.data.datasets.sequences import (
    Alphabet,
    adding,
    characters,
    copying,
    modular_arithmetic,
    read_text,
)
from chainrule.data.datasets.toy2d import bullseye, checkerboard, circles, disk, moons, spirals, xor
from chainrule.data.errors import DataError
from chainrule.data.files.csv_file import CsvTable, read_csv
from chainrule.data.files.idx import read_idx
from chainrule.data.files.npz_file import Arrays
from chainrule.data.files.reading import read_data
from chainrule.data.splits import holdout, kfold, repeated_kfold
from chainrule.data.tabular.encoder import Encoder
from chainrule.data.tabular.preprocessor import Preprocessor
from chainrule.data.transforms.deskew import deskew
from chainrule.data.transforms.impute import fill_missing
from chainrule.data.transforms.one_hot import one_hot
from chainrule.data.transforms.standardize import Standardizer, standardize, standardize_targets

__all__ = [
    "BUNDLED_TABLES",
    "Alphabet",
    "Arrays",
    "Augmentation",
    "Compose",
    "CsvTable",
    "Cutout",
    "DataError",
    "DataLoader",
    "Dataset",
    "Encoder",
    "GaussianNoise",
    "MixUp",
    "PadImages",
    "Preprocessor",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomVerticalFlip",
    "Standardizer",
    "SwapPair",
    "Warp",
    "adding",
    "auto_mpg",
    "auto_mpg_table",
    "bullseye",
    "bundled_table",
    "characters",
    "checkerboard",
    "circles",
    "colored_digits",
    "copying",
    "deskew",
    "digit_pairs",
    "digits",
    "disk",
    "fill_missing",
    "holdout",
    "kfold",
    "modular_arithmetic",
    "moons",
    "noisy_digits",
    "one_hot",
    "read_csv",
    "read_data",
    "read_idx",
    "read_text",
    "repeated_kfold",
    "spirals",
    "standardize",
    "standardize_targets",
    "xor",
]
