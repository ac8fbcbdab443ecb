"""The networks of the reports, each a few lines."""

from chainrule.zoo.colors import color_best, color_loss, color_net
from chainrule.zoo.denoise import denoise_net
from chainrule.zoo.digits import digit_net
from chainrule.zoo.losses import class_loss, target_loss
from chainrule.zoo.pair_best import pair_best
from chainrule.zoo.pairs import (
    pair_cnn,
    pair_conv1,
    pair_conv2,
    pair_fnn,
    pair_loss,
    pair_mlp,
    pair_net,
    pair_shallow,
)
from chainrule.zoo.plane import disk_net, plane_net
from chainrule.zoo.sequences import modular_net, sequence_net
from chainrule.zoo.sequential import sequential_net
from chainrule.zoo.table import gaussian_net, table_net

__all__ = [
    "class_loss",
    "color_best",
    "color_loss",
    "color_net",
    "denoise_net",
    "digit_net",
    "disk_net",
    "gaussian_net",
    "modular_net",
    "pair_best",
    "pair_cnn",
    "pair_conv1",
    "pair_conv2",
    "pair_fnn",
    "pair_loss",
    "pair_mlp",
    "pair_net",
    "pair_shallow",
    "plane_net",
    "sequence_net",
    "sequential_net",
    "table_net",
    "target_loss",
]
