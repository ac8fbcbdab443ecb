"""What a network is made of: modules, their chain rules beside them; losses, initializations."""

from chainrule.nn import init
from chainrule.nn.errors import LayerError
from chainrule.nn.inspect.summary import output_shape, summary
from chainrule.nn.layers.activations import (
    GELU,
    GLU,
    Exp,
    Identity,
    LogSigmoid,
    Mish,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
    Tanhshrink,
)
from chainrule.nn.layers.batch_norm import BatchNorm1d, BatchNorm2d
from chainrule.nn.layers.comparison import LessEqualProbability
from chainrule.nn.layers.containers import Concat, Heads, Parallel, Residual, Sequential, Sum
from chainrule.nn.layers.conv import Conv1d, Conv2d
from chainrule.nn.layers.dropout import Dropout, Dropout2d
from chainrule.nn.layers.embedding import Embedding
from chainrule.nn.layers.linear import Bilinear, Linear
from chainrule.nn.layers.normalization import GroupNorm, LayerNorm
from chainrule.nn.layers.piecewise import (
    CELU,
    ELU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    PReLU,
    ReLU,
    ReLU6,
    Softshrink,
    Threshold,
)
from chainrule.nn.layers.pooling import AdaptiveAvgPool2d, AvgPool2d, Maxout, MaxPool2d
from chainrule.nn.layers.reshape import Flatten, Select, Unflatten
from chainrule.nn.layers.siamese import Siamese
from chainrule.nn.layers.softmax import LogSoftmax, Softmax, Softmin
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
    SampleWeightedLoss,
    SmoothL1Loss,
)
from chainrule.nn.module import Module
from chainrule.nn.parameter import Buffer, Parameter
from chainrule.nn.vjp import ChainRule

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "AdaptiveAvgPool2d",
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
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "Heads",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LayerError",
    "LayerNorm",
    "LeakyReLU",
    "LessEqualProbability",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "Loss",
    "MSELoss",
    "MaxPool2d",
    "Maxout",
    "Mish",
    "Module",
    "MultiLoss",
    "NLLLoss",
    "OneHotLoss",
    "PReLU",
    "Parallel",
    "Parameter",
    "ReLU",
    "ReLU6",
    "Residual",
    "SampleWeightedLoss",
    "Select",
    "Sequential",
    "SiLU",
    "Siamese",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Sum",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "Unflatten",
    "init",
    "output_shape",
    "summary",
]
