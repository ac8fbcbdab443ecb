"""The networks of the reports, each a few lines."""

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

__all__ = [
    "disk_net",
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
]
