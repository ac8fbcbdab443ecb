"""How parameters move: optimizers, schedules, clipping, over one flat tensor.

Names, arguments and defaults are those of ``torch.optim``. Every number may be a tensor (K,), one
for each replica of a cohort.
"""

from chainrule.optim import lr_scheduler
from chainrule.optim.adam import Adam, AdamW, NAdam, RAdam
from chainrule.optim.adaptive import Adadelta, Adagrad, Adamax, RMSprop, Rprop
from chainrule.optim.averaged import ASGD
from chainrule.optim.clip import clip_grad_norm_, clip_grad_value_
from chainrule.optim.lbfgs import LBFGS
from chainrule.optim.matrices import Adafactor, Muon
from chainrule.optim.optimizer import Optimizer
from chainrule.optim.sgd import SGD

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "clip_grad_norm_",
    "clip_grad_value_",
    "lr_scheduler",
]
