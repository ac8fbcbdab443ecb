"""What a network is made of: modules, their chain rules beside them; losses, initializations."""

from chainrule.nn import init
from chainrule.nn.activation import (
    ELU,
    GELU,
    SELU,
    Exp,
    Hardtanh,
    Identity,
    LeakyReLU,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)
from chainrule.nn.batch_norm import BatchNorm1d, BatchNorm2d
from chainrule.nn.containers import Concat, Heads, Parallel, Residual, Sequential, Sum
from chainrule.nn.conv import Conv1d, Conv2d
from chainrule.nn.dropout import Dropout, Dropout2d
from chainrule.nn.embedding import Embedding
from chainrule.nn.errors import LayerError
from chainrule.nn.linear import Bilinear, Linear
from chainrule.nn.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    GaussianNLLLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    Loss,
    MSELoss,
    MultiLoss,
    NLLLoss,
    OneHotLoss,
    SmoothL1Loss,
)
from chainrule.nn.module import Module
from chainrule.nn.norm import GroupNorm, LayerNorm
from chainrule.nn.order import AtMost
from chainrule.nn.parameter import Buffer, Parameter
from chainrule.nn.pool import AdaptiveAvgPool2d, AvgPool2d, Maxout, MaxPool2d
from chainrule.nn.rule import ChainRule
from chainrule.nn.shape import Flatten, Select, Unflatten
from chainrule.nn.siamese import Siamese
from chainrule.nn.softmax import LogSoftmax, Softmax

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "AdaptiveAvgPool2d",
    "AtMost",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Bilinear",
    "Buffer",
    "ChainRule",
    "Concat",
    "Conv1d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout2d",
    "Embedding",
    "Exp",
    "Flatten",
    "GaussianNLLLoss",
    "GroupNorm",
    "Hardtanh",
    "Heads",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LayerError",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Loss",
    "MSELoss",
    "MaxPool2d",
    "Maxout",
    "Module",
    "MultiLoss",
    "NLLLoss",
    "OneHotLoss",
    "PReLU",
    "Parallel",
    "Parameter",
    "ReLU",
    "Residual",
    "Select",
    "Sequential",
    "SiLU",
    "Siamese",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Softsign",
    "Sum",
    "Tanh",
    "Unflatten",
    "init",
]
