"""From losses to a program's operations: the targets, the losses and their gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import torch
from torch import Tensor

from chainrule import nn
from chainrule.compiled.lowering.compared_outputs import compare_outputs
from chainrule.compiled.lowering.gaussian_loss import lower_gaussian
from chainrule.compiled.lowering.ir import (
    NOWHERE,
    ActivationKind,
    CrossEntropy,
    ElementwiseTerm,
    LoadTarget,
    LossKind,
    MultiMargin,
    OneHot,
)
from chainrule.compiled.lowering.outputs import SHARES, Outputs, output_slice
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value
from chainrule.compiled.lowering.targets import (
    SIGNED,
    check_classes,
    check_vectors,
    choose_target,
    loss_targets,
    split_losses,
)
from chainrule.nn.loss import Loss
from chainrule.nn.loss.embedding import ComparingLoss

__all__ = ["lower_loss"]

LOSSES: dict[type[Loss], LossKind] = {
    nn.MSELoss: LossKind.MSE,
    nn.L1Loss: LossKind.L1,
    nn.SmoothL1Loss: LossKind.SMOOTH_L1,
    nn.HuberLoss: LossKind.HUBER,
    nn.BCELoss: LossKind.BCE,
    nn.BCEWithLogitsLoss: LossKind.BCE_WITH_LOGITS,
    nn.MultiLabelSoftMarginLoss: LossKind.BCE_WITH_LOGITS,
    nn.KLDivLoss: LossKind.KL_DIV,
    nn.PoissonNLLLoss: LossKind.POISSON,
    nn.HingeEmbeddingLoss: LossKind.HINGE_EMBEDDING,
    nn.SoftMarginLoss: LossKind.SOFT_MARGIN,
    nn.MarginRankingLoss: LossKind.MARGIN_RANKING,
    nn.CosineEmbeddingLoss: LossKind.COSINE_EMBEDDING,
    nn.TripletMarginLoss: LossKind.TRIPLET_MARGIN,
}

CONSTANTS: dict[type[Loss], str] = {
    nn.SmoothL1Loss: "beta",
    nn.HuberLoss: "delta",
    nn.PoissonNLLLoss: "eps",
    nn.HingeEmbeddingLoss: "margin",
    nn.MarginRankingLoss: "margin",
    nn.CosineEmbeddingLoss: "margin",
    nn.TripletMarginLoss: "margin",
}
"""What a loss calls its constant."""


def lower_loss(
    program: Program,
    criterion: Loss,
    outputs: Outputs,
    targets: Tensor | Mapping[str, Tensor],
    dtype: torch.dtype,
) -> list[Tensor]:
    """A loss, or a weighted sum of losses, in a program; the targets that it reads, in order.

    ``targets`` have the axis of the replicas in front. What has no compiled form raises
    Unsupported, and so do targets that the plain path refuses: it says what is wrong with them.
    """
    if isinstance(criterion, nn.SampleWeightedLoss):
        return lower_sample_weighted(program, criterion, outputs, targets, dtype)
    criterion, targets = choose_target(criterion, targets)
    losses = split_losses(criterion)
    shapes = [(), () if criterion.replicas is None else (criterion.replicas,)]
    if any(
        isinstance(weight, Tensor) and weight.shape not in shapes
        for weight in getattr(criterion, "weights", {}).values()
    ):
        raise Unsupported("weights of losses that are not of the replicas")
    by_name = {"": targets} if isinstance(targets, Tensor) else targets
    if (
        isinstance(criterion, nn.GaussianNLLLoss)
        and set(outputs) == {"mean", "var"}
        and "" in by_name
    ):
        lower_gaussian(program, criterion, outputs["mean"], outputs["var"], by_name[""], dtype)
    elif set(losses) != set(outputs) or not set(losses) <= set(by_name):
        raise Unsupported("a loss that does not go with the heads and the targets")
    else:
        for term, (name, loss) in enumerate(losses.items()):
            lower_term(program, loss, outputs[name], by_name[name], term, dtype)
    return loss_targets(criterion, targets)


def lower_sample_weighted(
    program: Program,
    criterion: nn.SampleWeightedLoss,
    outputs: Outputs,
    targets: Tensor | Mapping[str, Tensor],
    dtype: torch.dtype,
) -> list[Tensor]:
    """A loss whose samples count by a second target."""
    if isinstance(targets, Tensor) or {*targets} != {"target", "weight"} or {*outputs} != {""}:
        raise Unsupported(f"{criterion.label()} of these targets")
    weight = targets["weight"]
    if weight.dim() != 2 or weight.dtype != dtype:
        raise Unsupported(f"{criterion.label()} of weights {tuple(weight.shape)} {weight.dtype}")
    lower_term(program, criterion.loss, outputs[""], targets["target"], 0, dtype, sample_weights=1)
    return loss_targets(criterion, targets)


def lower_term(
    program: Program,
    loss: Loss,
    output: Value | tuple[Value, ...],
    target: Tensor,
    term: int,
    dtype: torch.dtype,
    *,
    sample_weights: int = NOWHERE,
) -> None:
    """One loss and its target, the program's target number ``term``.

    With the number of the target that has ``sample_weights``, the loss is one that does not reduce.
    """
    inner = loss.loss if isinstance(loss, nn.OneHotLoss) else loss
    reduction = getattr(inner, "reduction", "none")
    if (reduction == "none") != (sample_weights != NOWHERE):
        raise Unsupported(f"{loss.label()} that does not reduce")
    if isinstance(output, tuple):
        output = compare_outputs(program, loss, output)
    elif not output.shape or isinstance(loss, ComparingLoss):
        raise Unsupported(f"{loss.label()} of samples {output.shape}")
    x = output_slice(program, output)
    room = program.add_buffer(x.rows)
    program.constants.add(room)
    t = Slice(room, 0, x.rows)
    if isinstance(loss, nn.MultiMarginLoss):
        if sample_weights != NOWHERE:
            raise Unsupported(f"{loss.label()} of weighted samples")
        margin_op = multi_margin_term(loss, output.shape, target, term, program.address(x))
        program.add_reader(margin_op, x, 1)
        return
    ops: Sequence[ElementwiseTerm | CrossEntropy]
    if isinstance(inner, nn.TripletMarginLoss):
        ops = [elementwise_term(program, inner, output.shape, term, x, x)]
    elif type(inner) in LOSSES:
        lower_target(program, loss, target, term, output.shape, program.address(t), dtype)
        ops = [elementwise_term(program, inner, output.shape, term, x, t)]
    else:
        ops = cross_entropy_terms(program, loss, output.shape, target, term, x, dtype)
    if sample_weights != NOWHERE:
        if len(ops) > 1:
            raise Unsupported(f"{loss.label()} of samples {output.shape}")
        ops = [replace(op, sample_weights=sample_weights) for op in ops]
    for op in ops:
        program.add_reader(op, x, 1)


def elementwise_term(
    program: Program, loss: Loss, shape: tuple[int, ...], term: int, x: Slice, t: Slice
) -> ElementwiseTerm:
    """A loss of each element of x, whose targets are at t."""
    kind = elementwise_kind(loss, program.activations.get(x.buffer))
    (offset, ldx), (place, ldt) = program.address(x), program.address(t)
    divisors = {"mean": x.rows, "batchmean": 1, "sum": 0, "none": x.rows}  # of a weighted one
    row_weights = element_weights(loss, "weight", shape)
    if isinstance(loss, nn.MultiLabelSoftMarginLoss):  # each sample's is a mean by itself
        if len(shape) != 1 or (loss.weight is not None and loss.weight.shape != shape):
            raise Unsupported(f"{loss.label()} of samples {shape}")
        divisors |= {"mean": 1, "none": 1}
        row_weights = (torch.ones(shape).double() if row_weights is None else row_weights) / x.rows
    return ElementwiseTerm(
        kind=kind,
        term=term,
        divisor=divisors[getattr(loss, "reduction", "mean")],
        constant=getattr(loss, CONSTANTS.get(type(loss), ""), 0.0),
        rows=x.rows,
        x=offset,
        ldx=ldx,
        t=place,
        ldt=ldt,
        row_weights=row_weights,
        positive_weights=element_weights(loss, "pos_weight", shape),
    )


def multi_margin_term(
    loss: nn.MultiMarginLoss,
    shape: tuple[int, ...],
    target: Tensor,
    term: int,
    address: tuple[int, int],
) -> MultiMargin:
    """A loss of the excesses of other classes, whose scores are at this address."""
    weight = loss.weight
    if len(shape) != 1 or (weight is not None and weight.shape != shape):
        raise Unsupported(f"{loss.label()} of samples {shape}")
    check_classes(loss, target, *shape)
    return MultiMargin(
        target=term,
        term=term,
        mean=loss.reduction == "mean",
        squared=loss.p == 2,
        margin=loss.margin,
        rows=shape[0],
        x=address[0],
        ldx=address[1],
        class_weights=None if weight is None else weight.double().contiguous(),
    )


def element_weights(loss: Loss, name: str, shape: tuple[int, ...]) -> Tensor | None:
    """A weight of the loss for each element of a sample, in float64; None where it has none."""
    weight = getattr(loss, name, None)
    if weight is None:
        return None
    pairs = zip(reversed(weight.shape), reversed(shape), strict=False)
    if weight.dim() > len(shape) or any(a not in (1, b) for a, b in pairs):
        raise Unsupported(f"{loss.label()} of samples {shape}")
    return torch.as_tensor(weight).double().expand(shape).contiguous()


def cross_entropy_terms(
    program: Program,
    loss: Loss,
    shape: tuple[int, ...],
    target: Tensor,
    term: int,
    x: Slice,
    dtype: torch.dtype,
) -> list[CrossEntropy]:
    """A loss of classes, one for each place of a sample (classes, places…), or of their shares."""
    if not isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss):
        raise Unsupported(f"{loss.label()} of samples {shape}")
    classes, places = shape[0], prod(shape[1:])
    has_shares = isinstance(loss, nn.CrossEntropyLoss) and target.is_floating_point()
    weight = None if loss.weight is None else loss.weight.to(dtype).double().contiguous()
    wrong = weight is not None and weight.shape != (classes,)
    if wrong or (has_shares and (loss.ignore_index >= 0 or len(shape) > 1)):
        raise Unsupported(f"{loss.label()} of samples {shape}")
    scratch, t = program.add_buffer(classes), NOWHERE
    program.constants.add(scratch)
    if has_shares:
        t = lower_shares(program, loss, target, term, shape, dtype)
    else:
        check_classes(loss, target, classes, shape[1:])
    offset, ldx = program.address(x)
    return [
        CrossEntropy(
            target=term,
            term=term,
            mean=loss.reduction != "sum",
            log_probabilities=isinstance(loss, nn.NLLLoss),
            places=places,
            place=place,
            rows=classes,
            x=offset + place * ldx,
            ldx=places * ldx,
            scratch=program.buffers[scratch].offset,
            has_shares=has_shares,
            t=t,
            label_smoothing=getattr(loss, "label_smoothing", 0.0),
            ignore_index=loss.ignore_index,
            class_weights=weight,
        )
        for place in range(places)
    ]


def lower_shares(
    program: Program,
    loss: Loss,
    target: Tensor,
    term: int,
    shape: tuple[int, ...],
    dtype: torch.dtype,
) -> int:
    """Load the shares of the classes, which are a target: where they are."""
    check_vectors(loss, target, shape, dtype)
    shares = Slice(program.add_buffer(prod(shape)), 0, prod(shape))
    program.constants.add(shares.buffer)
    t, ldt = program.address(shares)
    program.ops.append(LoadTarget(term, shares.rows, t, ldt))
    return t


def lower_target(
    program: Program,
    loss: Loss,
    target: Tensor,
    number: int,
    shape: tuple[int, ...],
    address: tuple[int, int],
    dtype: torch.dtype,
) -> None:
    """The target of an elementwise loss, as rows at this address."""
    rows = prod(shape)
    if isinstance(loss, nn.OneHotLoss):
        if len(shape) != 1:
            raise Unsupported(f"{loss.label()} of samples {shape}")
        check_classes(loss, target, max(2, rows))
        if isinstance(loss.loss, SIGNED) and (loss.low, loss.high) != (-1, 1):
            raise Unsupported(f"{loss.label()} of other targets than 1 and -1")
        program.ops.append(OneHot(number, rows, *address, loss.low, loss.high))
    else:
        check_vectors(loss, target, shape, dtype)
        program.ops.append(LoadTarget(number, rows, *address))


def elementwise_kind(loss: Loss, activation: ActivationKind | None) -> LossKind:
    """Which loss it is, of the outputs of this activation."""
    if isinstance(loss, nn.SmoothL1Loss) and loss.beta == 0:
        return LossKind.L1
    if isinstance(loss, nn.KLDivLoss) and loss.log_target:
        return LossKind.KL_DIV_LOG
    if isinstance(loss, nn.PoissonNLLLoss):
        if loss.log_input:
            return LossKind.POISSON_LOG_FULL if loss.full else LossKind.POISSON_LOG
        return LossKind.POISSON_FULL if loss.full else LossKind.POISSON
    if isinstance(loss, nn.BCELoss) and activation not in SHARES:
        raise Unsupported(f"{loss.label()} of what is not a sigmoid or softmax")
    return LOSSES[type(loss)]
