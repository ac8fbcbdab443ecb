"""A trained net with all that leads from samples as they were read to answers in their terms."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, final

import torch
from torch import Tensor

from chainrule.data import Dataset
from chainrule.data.files.reading import RawData
from chainrule.data.tabular.preprocessor import Preprocessor, read_targets
from chainrule.estimators.predictor_header import check_metadata
from chainrule.nn.errors import describe_shape
from chainrule.nn.module import Module
from chainrule.serialization.nets import load, load_metadata, save
from chainrule.serialization.safetensors_file import FileError, explain_misfit
from chainrule.train import inference

__all__ = ["Predictor"]


@final
@dataclass(frozen=True, eq=False)
class Predictor:
    """Answers for new samples: ``predictor.predict(rows)`` are their classes, or numbers.

    - ``net``: inputs (N, …) → outputs (N, L), or (N, 1).
    - ``preprocessor``: makes inputs of the samples, and knows what the outputs mean.
    - ``loss``: what the net was trained with, which says how probabilities come from outputs.
    - ``target``: the column that it tells, None for arrays.
    """

    net: Module
    preprocessor: Preprocessor
    loss: str
    target: str | None = None

    def predict(self, rows: RawData) -> list[str] | list[float]:
        """A class, or a number, for each sample."""
        return self.preprocessor.task.decode(self.outputs(rows))

    @torch.no_grad()
    def outputs(self, rows: RawData) -> Tensor:
        """The net's outputs, in evaluation mode. Raises DataError for samples of another kind."""
        x = self.preprocessor.inputs(rows)
        with inference.eval_mode(self.net) as net:
            y: Tensor = inference.predict_in_slices(net, Dataset(x, x))
        return y

    def probabilities(self, outputs: Tensor) -> Tensor:
        """(N, L), of each class in the order of ``preprocessor.task.classes``.

        With a binary cross-entropy each class has its own, and they need not sum to 1. Raises
        ValueError where the outputs are none.
        """
        if self.preprocessor.task.kind != "classification":
            raise ValueError("this net tells numbers: there are no probabilities of classes")
        return inference.probabilities(outputs.double(), self.loss)

    def scores(self, answers: Sequence[Any], rows: RawData) -> dict[str, float]:
        """How right answers for these rows are, of those that have a target; {} where none has."""
        cells = read_targets(rows, self.target) or ()
        known = [(answer, cell) for answer, cell in zip(answers, cells, strict=bool(cells)) if cell]
        if not known:
            return {}
        predicted, expected = zip(*known, strict=True)
        return self.preprocessor.task.scores(predicted, expected)

    def save(self, path: str | Path, origin: Mapping[str, Any] | None = None) -> None:
        """Write it to one file, atomically; :func:`chainrule.load` reads the net of it.

        ``origin``: JSON data on where it comes from, which go along.
        """
        metadata = {
            **(origin or {}),
            "preparation": self.preprocessor.as_dict(),
            "loss": self.loss,
            "target": self.target,
        }
        save(self.net, path, metadata)

    @classmethod
    def load(cls, path: str | Path, trust: Collection[str] = ()) -> Self:
        """What :meth:`save` wrote; ``trust`` as :func:`chainrule.load` has it.

        Raises FileError for any other file, OSError where it cannot be read.
        """
        net, metadata = load(path, trust), load_metadata(path)
        if "preparation" not in metadata:
            raise FileError(path, "a net alone: what predicts is a file that chainrule train wrote")
        check_metadata(path, metadata)
        try:
            preprocessor = Preprocessor.from_dict(metadata["preparation"])
            predictor = cls(net, preprocessor, metadata["loss"], metadata["target"])
            predictor.check_outputs()
        except (ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
            raise FileError(path, f"does not say how to predict: {explain_misfit(error)}") from None
        return predictor

    @torch.no_grad()
    def check_outputs(self) -> None:
        """Raise ValueError unless the net has an output for each class, or the one number."""
        task, x = self.preprocessor.task, torch.zeros(1, *self.preprocessor.shape)
        with inference.eval_mode(self.net) as net:
            dtype = next((p.data.dtype for p in net.parameters()), x.dtype)
            y, _ = net.forward(self.preprocessor.scale(x).to(dtype))
        if not isinstance(y, Tensor) or y.shape != (1, task.outputs):
            raise ValueError(f"expected outputs (N, {task.outputs}), got {describe_shape(y)}")
