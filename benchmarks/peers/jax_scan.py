"""JAX with optax: the whole training is one compiled ``scan`` over its steps.

All replicas at once by ``vmap``, or with ``over="map"`` one after the other within the program,
which suits convolutions better on a CPU. Images are NHWC, as XLA likes them. With ``devices`` the
replicas are split over so many of the CPU's devices, a thread each. Compilation is not timed: the
first run warms up.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, final

import numpy as np

from benchmarks.task import Net, Runner, Task

__all__ = ["Side"]

Layers = list[Any]


@final
class Side(Runner):
    """All replicas in one program."""

    def __init__(self, task: Task, over: str = "vmap", devices: int = 1) -> None:
        super().__init__(task)
        if devices > 1:
            os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
        import jax

        if task.inputs.dtype == np.float64:
            jax.config.update("jax_enable_x64", True)
        self.mesh = jax.sharding.Mesh(jax.devices(), ("k",)) if devices > 1 else None
        self.weights = [self._put(w) for w in hwio(task.weights)]
        self.data = self._put(task.inputs), {h: self._put(t) for h, t in task.targets.items()}
        self.orders = self._put(task.orders.astype(np.int32))
        self.numbers = tuple(self._put(n.astype(task.inputs.dtype)) for n in (task.lr, task.aux))
        self.program = jax.jit(partial(training, task.net, task.optimizer, task.batch, over))

    def _put(self, array: np.ndarray) -> Any:
        """On the device, or replicas spread over the devices."""
        import jax
        from jax.sharding import NamedSharding, PartitionSpec

        if self.mesh is None:
            return jax.device_put(array)
        split = len(array) > 1 and len(array) % self.mesh.size == 0
        return jax.device_put(
            array, NamedSharding(self.mesh, PartitionSpec("k" if split else None))
        )

    def reset(self) -> None:
        """Nothing: the program does not change its arguments."""

    def train(self, epochs: int) -> np.ndarray:
        losses = self.program(self.weights, *self.data, self.orders[:, :epochs], *self.numbers)
        return np.asarray(losses).T


def hwio(weights: list[np.ndarray]) -> Layers:
    """Convolutions' weights (K, O, I, H, W) as (K, H, W, I, O), all others as they are."""
    return [np.transpose(w, (0, 3, 4, 2, 1)) if w.ndim == 5 else w for w in weights]


def training(
    net: Net,
    optimizer: str,
    batch: int,
    over: str,
    weights: Layers,
    inputs: Any,
    targets: dict[str, Any],
    orders: Any,
    lr: Any,
    aux: Any,
) -> Any:
    """The losses (K, E) of all trainings."""
    import jax

    def one(weights: Layers, x: Any, t: Any, order: Any, lr: Any, aux: Any) -> Any:
        return train_one(net, optimizer, batch, weights, x, t, order, lr, aux)

    shared = [len(inputs) == 1, len(orders) == 1]
    each = [0, *(None if s else 0 for s in (shared[0], shared[0], shared[1])), 0, 0]
    x, t = (inputs[0], {h: a[0] for h, a in targets.items()}) if shared[0] else (inputs, targets)
    order = orders[0] if shared[1] else orders
    if over == "vmap":
        return jax.vmap(one, in_axes=each)(weights, x, t, order, lr, aux)

    def numbered(k: Any) -> Any:
        def pick(axis: int | None, tree: Any) -> Any:
            return tree if axis is None else jax.tree.map(lambda a: a[k], tree)

        return one(*map(pick, each, (weights, x, t, order, lr, aux)))

    return jax.lax.map(numbered, jax.numpy.arange(len(lr)))


def train_one(
    net: Net,
    optimizer: str,
    batch: int,
    weights: Layers,
    x: Any,
    targets: dict[str, Any],
    order: Any,
    lr: Any,
    aux: Any,
) -> Any:
    """The loss of each epoch of one training, order (E, N)."""
    import jax
    import optax

    rule = {"SGD": optax.sgd, "Adam": optax.adam}[optimizer](lr)

    def loss(weights: Layers, x: Any, t: Any) -> Any:
        return loss_of(net, forward(net, weights, x), t, aux)

    def step(state: Any, index: Any) -> Any:
        weights, moments = state
        batch_targets = {head: t[index] for head, t in targets.items()}
        value, gradients = jax.value_and_grad(loss)(weights, x[index], batch_targets)
        updates, moments = rule.update(gradients, moments, weights)
        return (optax.apply_updates(weights, updates), moments), value

    steps = order.reshape(-1, batch)
    _, losses = jax.lax.scan(step, (weights, rule.init(weights)), steps)
    return losses.reshape(len(order), -1).mean(1)


def forward(net: Net, w: Layers, x: Any) -> Any:
    """The outputs of one replica for a batch."""
    import jax
    from jax import numpy as jnp

    relu = jax.nn.relu
    if net.kind == "mlp":
        for i in range(0, len(w) - 2, 2):
            x = relu(x @ w[i].T + w[i + 1])
        y = x @ w[-2].T + w[-1]
        return jnp.tanh(y) if net.loss == "mse" else y
    if net.kind == "lenet":
        x = x.reshape(-1, 28, 28, 1)
        x = relu(pooled(convolved(x, *w[0:2])))
        x = flat(relu(pooled(convolved(x, *w[2:4]))))
        return dense(relu(dense(relu(dense(x, *w[4:6])), *w[6:8])), *w[8:10])
    images = x.reshape(-1, *x.shape[2:])
    encode: Callable[..., Any] = encoded if net.kind == "pairs-conv2" else encoded_flat
    features, rest = encode(images, w)
    both = features.reshape(len(x), 2, -1)
    named = dense(both, *rest[4:6])
    main = dense(relu(dense(both.reshape(len(x), -1), *rest[0:2])), *rest[2:4])
    return {"main": main, "first": named[:, 0], "second": named[:, 1]}


def encoded_flat(images: Any, w: Layers) -> tuple[Any, Layers]:
    """Features of images by a linear layer, and the weights that are left."""
    import jax

    return jax.nn.relu(dense(images.reshape(len(images), -1), *w[0:2])), w[2:]


def encoded(images: Any, w: Layers) -> tuple[Any, Layers]:
    """Features of images by four convolutions, and the weights that are left."""
    import jax

    x = images[..., None]
    x = jax.nn.relu(convolved(x, *w[0:2]))
    x = jax.nn.relu(convolved(x, *w[2:4]))
    x = jax.nn.relu(pooled(convolved(x, *w[4:6])))
    x = jax.nn.relu(convolved(x, *w[6:8]))
    return flat(x), w[8:]


def dense(x: Any, weight: Any, bias: Any) -> Any:
    """x Wᵀ + b"""
    return x @ weight.T + bias


def convolved(x: Any, weight: Any, bias: Any) -> Any:
    """NHWC, with a weight HWIO."""
    from jax import lax

    names = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, weight, (1, 1), "VALID", dimension_numbers=names) + bias


def pooled(x: Any) -> Any:
    """The maximum of each 2 x 2; by reshaping, whose gradient is quicker than reduce_window's."""
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))


def flat(x: Any) -> Any:
    """In the order of NCHW, in which the next layer's weights are."""
    return x.transpose(0, 3, 1, 2).reshape(len(x), -1)


def loss_of(net: Net, y: Any, targets: dict[str, Any], aux: Any) -> Any:
    """The mean loss of a batch."""
    import optax

    if net.kind.startswith("pairs"):
        loss = {
            h: optax.softmax_cross_entropy_with_integer_labels(y[h], targets[h]).mean() for h in y
        }
        return loss["main"] + aux * (loss["first"] + loss["second"])
    if net.loss == "mse":
        return ((y - targets["main"]) ** 2).mean()
    return optax.softmax_cross_entropy_with_integer_labels(y, targets["main"]).mean()
