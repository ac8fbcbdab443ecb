"""What a network is made of: modules with their chain rules beside them, losses, initializations."""

from chainrule.nn.activation import (
    ELU,
    GELU,
    SELU,
    Hardtanh,
    Identity,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from chainrule.nn.containers import Concat, Heads, Parallel, Residual, Sequential, Siamese, Sum
from chainrule.nn.errors import LayerError
from chainrule.nn.linear import Bilinear, Linear
from chainrule.nn.module import ChainRule, Module
from chainrule.nn.parameter import Buffer, Parameter
from chainrule.nn.shape import Flatten, Select, Unflatten
