"""Inputs with their targets, alone or one set per replica.

Letters: K replicas, N samples.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from chainrule._util.display import html_table
from chainrule._util.kinds import describe_object
from chainrule._util.pytree import tree_map
from chainrule._util.words import count_noun
from chainrule.data.arrays import to_tensor
from chainrule.data.sparse import select_rows

__all__ = ["Dataset", "Seeds", "check_dataset", "check_index", "stack_draws"]

Seeds = int | Sequence[int]
"""One seed for a plain data set, or K seeds for K fresh draws."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Samples and what is to be learned about them.

    plain (``replicas=None``)   inputs (N, …)           every target (N, …)
    with ``replicas=K``         inputs (K or 1, N, …)   every target (K or 1, N, …)

    A leading 1 means: the same data for all K replicas. `targets` is one tensor, or a dictionary
    of tensors where a net learns several things at once. `sources`, of a plain data set, says which
    row or images of its source each sample is made of, int64 (N, m). It goes along with `subset`,
    so that two draws from one source can be compared. With a `scale`, one floating number (), the
    inputs stay bytes, uint8, and each batch of them is multiplied by it on its way to a net, which
    sees them in the dtype of the scale. Inputs (N, D) may be sparse, a coalesced tensor of
    fractions of torch's COO layout: each batch is made dense on its way to a net. :meth:`of` makes
    a data set of arrays and tables.

    Raises ValueError where the shapes do not fit together, TypeError for what is not a tensor.
    """

    inputs: Tensor
    targets: Tensor | dict[str, Tensor]
    replicas: int | None = None
    sources: Tensor | None = None
    scale: Tensor | None = None

    def __post_init__(self) -> None:
        K = self.replicas
        if K is not None and (type(K) is not int or K < 1):
            raise ValueError(f"Dataset: expected replicas None or at least 1, got {K!r}")
        if isinstance(self.targets, dict) and not self.targets:
            raise ValueError("Dataset: expected at least one target, got an empty dictionary")
        if self.sources is not None:
            _check_sources(self.sources, len(self), K)
        if self.scale is not None:
            _check_scale(self.scale, self.inputs)
        for name, tensor in self._named_tensors().items():
            _check_axes(name, tensor, K)
            _check_length(name, tensor, self)

    @staticmethod
    def of(
        inputs: Any,
        targets: Any,
        *,
        scale: float | None = None,
        dtype: torch.dtype | None = None,
        sources: Tensor | None = None,
    ) -> Dataset:
        """A plain data set of arrays, memory-mapped ones too, frames, sparse matrices or lists.

        inputs (N, …)   targets (N, …), or a dictionary of such

        Fractions take ``dtype``, torch's default one unless given, whole numbers and truth values
        int64; a tensor without a given ``dtype`` stays as it is. What has its dtype already is
        not copied, so that a memory-mapped file is read as it is needed. With a ``scale``, such as
        1 / 255, inputs of uint8 stay bytes until a batch of them is multiplied by it.

        Raises TypeError for what is no numbers, and names the column of a frame; ValueError for a
        memory-mapped array that would have to be copied whole, and for bytes without a scale.
        """
        kept = torch.get_default_dtype() if dtype is None else dtype
        if not kept.is_floating_point:
            raise TypeError(f"Dataset.of: expected a floating dtype, got {dtype}")
        x = to_tensor("inputs", inputs, dtype, keep_bytes=True)
        if x.dtype == torch.uint8 and scale is None:
            raise ValueError("Dataset.of: expected a scale for inputs of uint8, such as 1 / 255")
        t: Tensor | dict[str, Tensor]
        if isinstance(targets, Mapping):
            t = {name: to_tensor(f"targets[{name!r}]", v, dtype) for name, v in targets.items()}
        else:
            t = to_tensor("targets", targets, dtype)
        factor = None if scale is None else torch.tensor(scale, dtype=kept)
        return Dataset(x, t, sources=sources, scale=factor)

    def __len__(self) -> int:
        """N, the number of samples of one replica."""
        return self.inputs.shape[self._axis]

    def __repr__(self) -> str:
        tensors = (f"{name} {_layout(tensor)}" for name, tensor in self._named_tensors().items())
        scale = "" if self.scale is None else f", scale={self.scale:.6g}"
        return f"Dataset({', '.join(tensors)}, replicas={self.replicas}{scale})"

    @property
    def input_dtype(self) -> torch.dtype:
        """That of the inputs as a net sees them."""
        return self.inputs.dtype if self.scale is None else self.scale.dtype

    def scale_inputs(self, x: Tensor) -> Tensor:
        """Some of the inputs as a net sees them: dense, x · scale, or x itself without a scale."""
        x = x.to_dense() if x.is_sparse else x
        return x if self.scale is None else x * self.scale

    def expand(self, replicas: int) -> Dataset:
        """A plain data set for each of K replicas, the same for all: views, not copies.

        Raises ValueError for a data set that has replicas already.
        """
        if self.replicas is not None:
            raise ValueError(f"Dataset.expand: expected a plain data set, got {self}")
        return self._replace_tensors((t.unsqueeze(0) for t in self._tensors()), replicas)

    def _repr_html_(self) -> str:
        rows = [(name, _layout(tensor)) for name, tensor in self._named_tensors().items()]
        caption = f"{count_noun(len(self), 'sample')}, replicas: {self.replicas}"
        return html_table(("", "layout"), rows, caption)

    def subset(self, index: Tensor) -> Dataset:
        """The samples that `index` names, in its order; a sample may be named twice.

        index   int64, (n,): the same samples of every replica; (K, n): replica k's own

        A plain data set with a (K, n) index becomes one with K replicas (folds, bootstraps).
        Raises TypeError for another kind of index, ValueError for another shape, IndexError for
        an entry outside 0 … N − 1 (a negative one too).
        """
        check_index(self, index)
        replicas = self.replicas if index.ndim == 1 else len(index)
        found = self._replace_tensors(
            (_select(self, t, index.to(t.device)) for t in self._tensors()), replicas
        )
        if self.sources is None or replicas is not None:
            return found
        return replace(found, sources=self.sources[index.to(self.sources.device)])

    def subset_targets(self, index: Tensor) -> Tensor | dict[str, Tensor]:
        """The targets of ``subset(index)``, without a copy of its inputs."""
        check_index(self, index)
        targets = tree_map(lambda t: _select(self, t, index.to(t.device)), self.targets)
        return cast("Tensor | dict[str, Tensor]", targets)

    def replica(self, k: int) -> Dataset:
        """The plain data set of replica k. Raises IndexError for a k outside 0 … K − 1."""
        if self.replicas is None:
            raise ValueError("Dataset.replica: expected a data set with replicas, got a plain one")
        if not 0 <= k < self.replicas:
            raise IndexError(f"Dataset.replica: expected 0 ≤ k < {self.replicas}, got {k}")
        # Of a leading 1, every replica has the one there is.
        return self._replace_tensors((t[min(k, len(t) - 1)] for t in self._tensors()), None)

    @staticmethod
    def stack(datasets: Sequence[Dataset]) -> Dataset:
        """K plain data sets of the same shapes as one, a fresh data set for each of K replicas.

        inputs (K, N, …)   every target (K, N, …)
        """
        if not datasets:
            raise ValueError("Dataset.stack: expected at least one data set, got none")
        first = datasets[0]
        for k, other in enumerate(datasets):
            if other.replicas is not None:
                raise ValueError(f"Dataset.stack: expected plain data sets, number {k} is {other}")
            if other._layouts() != first._layouts() or other.scale != first.scale:
                raise ValueError(
                    f"Dataset.stack: expected the same shapes and dtypes everywhere, "
                    f"number 0 is {first}, number {k} is {other}"
                )
        columns = ([d._named_tensors()[name] for d in datasets] for name in first._named_tensors())
        return first._replace_tensors(map(torch.stack, columns), len(datasets))

    def to(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> Dataset:
        """The data set on another device, its floating tensors in another floating dtype."""
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(f"Dataset.to: expected a floating dtype, got {dtype}")

        def move(t: Tensor) -> Tensor:
            return t.to(device, dtype if t.is_floating_point() else None)

        moved = self._replace_tensors(map(move, self._tensors()), self.replicas)
        return moved if self.scale is None else replace(moved, scale=move(self.scale))

    @property
    def _axis(self) -> int:
        return 0 if self.replicas is None else 1

    def _named_tensors(self) -> dict[str, Tensor]:
        """Every tensor, by the name that a message gives it."""
        if not isinstance(self.targets, dict):
            return {"inputs": self.inputs, "targets": self.targets}
        named = {f"targets[{name!r}]": target for name, target in self.targets.items()}
        return {"inputs": self.inputs, **named}

    def _tensors(self) -> Iterable[Tensor]:
        return self._named_tensors().values()

    def _layouts(self) -> dict[str, str]:
        return {name: _layout(tensor) for name, tensor in self._named_tensors().items()}

    def _replace_tensors(self, tensors: Iterable[Tensor], replicas: int | None) -> Dataset:
        """The same structure filled with other tensors, in the order of `_tensors`."""
        inputs, *rest = tensors
        inputs = inputs.coalesce() if inputs.is_sparse else inputs
        targets: Tensor | dict[str, Tensor] = rest[0]
        if isinstance(self.targets, dict):
            targets = dict(zip(self.targets, rest, strict=True))
        return Dataset(inputs, targets, replicas, scale=self.scale)


def check_dataset(name: str, given: Any) -> None:
    """Raise TypeError, naming the argument, for what is no Dataset."""
    if not isinstance(given, Dataset):
        got = describe_object(given)
        raise TypeError(f"{name}: expected a Dataset(inputs, targets), got {got}")


def read_seed(seed: Any) -> int:
    """A seed. Raises TypeError for what is no whole number."""
    try:
        return operator.index(seed)
    except TypeError:
        raise TypeError(f"seed: expected a whole number, or one a replica, got {seed!r}") from None


def stack_draws(draw: Callable[[int], Dataset], seed: Seeds) -> Dataset:
    """`draw(seed)`, or for a sequence of K seeds their K draws as one data set with replicas."""
    if isinstance(seed, Sequence):  # of a text each letter is refused
        return Dataset.stack([draw(read_seed(one)) for one in seed])
    return draw(read_seed(seed))


def _select(data: Dataset, tensor: Tensor, index: Tensor) -> Tensor:
    """The samples of one of its tensors that the index names."""
    if tensor.is_sparse:
        return select_rows(tensor, index)
    if data.replicas is None:
        return tensor[index]
    if index.ndim == 1:
        return tensor[:, index]
    if len(tensor) == 1:
        return tensor[0, index]
    # One selection of whole rows is several times faster than an index for two axes.
    starts = torch.arange(len(tensor), device=tensor.device).unsqueeze(1) * len(data)
    rows = tensor.flatten(0, 1).index_select(0, (index + starts).flatten())
    return rows.reshape(*index.shape, *tensor.shape[2:])


def check_index(data: Dataset, index: Tensor) -> None:
    """Raise where it is no index of the samples: see :meth:`Dataset.subset`."""
    if not isinstance(index, Tensor) or index.dtype != torch.int64:
        kind = index.dtype if isinstance(index, Tensor) else type(index).__name__
        raise TypeError(f"Dataset.subset: expected an int64 tensor, got {kind}")
    K = data.replicas
    if index.ndim not in (1, 2) or (index.ndim == 2 and K not in (None, len(index))):
        expected = f"(n,) or ({'K' if K is None else K}, n)"
        raise ValueError(f"Dataset.subset: expected index {expected}, got {_layout(index)}")
    low, high = (int(i) for i in index.aminmax()) if index.numel() else (0, -1)
    if low < 0 or high >= len(data):
        got = low if low < 0 else high
        raise IndexError(f"Dataset.subset: expected entries 0 ≤ i < {len(data)}, got {got}")


def _layout(tensor: Tensor) -> str:
    sparse = " sparse" if tensor.is_sparse else ""
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}{sparse}"


def _check_sources(sources: Tensor, n: int, replicas: int | None) -> None:
    """Refuse what does not say of each sample of a plain data set where it comes from."""
    if replicas is not None:
        raise ValueError("Dataset: expected sources of a plain data set alone")
    if sources.dtype != torch.int64 or sources.ndim != 2 or len(sources) != n:
        raise ValueError(f"Dataset: expected sources ({n}, m) int64, got {_layout(sources)}")


def _check_scale(scale: Tensor, inputs: Tensor) -> None:
    """Refuse what is not one positive number, and inputs that are no bytes."""
    if not isinstance(scale, Tensor) or scale.dim() or not scale.is_floating_point():
        raise TypeError(f"Dataset: expected a scale that is one floating number (), got {scale!r}")
    if not 0 < float(scale) < torch.inf:
        raise ValueError(f"Dataset: expected a scale above 0, got {float(scale)}")
    if inputs.dtype != torch.uint8:
        raise ValueError(f"Dataset: expected uint8 inputs with a scale, got {_layout(inputs)}")


def _check_sparse(name: str, tensor: Tensor, K: int | None) -> None:
    """Refuse numbers that are not in plain memory, but for sparse inputs (N, D)."""
    rows = tensor.ndim == (2 if K is None else 3) and tensor.is_sparse
    if name != "inputs" or not (rows and tensor.is_coalesced() and tensor.is_floating_point()):
        raise ValueError(
            f"Dataset: expected {name} of plain memory"
            + (", or (N, D) sparse, of fractions and coalesced" if name == "inputs" else "")
            + f", got {tuple(tensor.shape)} {tensor.dtype} {tensor.layout}"
        )


def _check_length(name: str, tensor: Tensor, data: Dataset) -> None:
    """Refuse a tensor of more or fewer samples than the inputs, which were looked at before."""
    if (N := tensor.shape[data._axis]) != len(data):
        raise ValueError(
            f"Dataset: expected as many samples in {name} as in inputs, got {N} and {len(data)}"
        )


def _check_axes(name: str, tensor: Tensor, K: int | None) -> None:
    """Refuse a tensor without its leading axes: (N, …), or (K or 1, N, …)."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"Dataset: expected {name} to be a tensor, got {type(tensor).__name__}")
    if tensor.layout != torch.strided:
        _check_sparse(name, tensor, K)
    if K is None and tensor.ndim < 1:
        raise ValueError(f"Dataset: expected {name} (N, …), got {_layout(tensor)}")
    if K is not None and (tensor.ndim < 2 or len(tensor) not in (1, K)):
        raise ValueError(f"Dataset: expected {name} ({K} or 1, N, …), got {_layout(tensor)}")
