"""The networks of the reports, each a few lines."""

from chainrule.zoo.pairs import pair_mlp, pair_net
from chainrule.zoo.plane import disk_net

__all__ = ["disk_net", "pair_mlp", "pair_net"]
