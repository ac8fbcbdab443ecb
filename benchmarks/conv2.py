"""The two convolutional nets of the digit pairs: one cohort against PyTorch loops.

    python -m benchmarks.conv2 [--replicas K] [--repeat N] [--json FILE]

Both sides train ``pair_conv1`` and ``pair_conv2``, without and with sharing and auxiliary heads,
with Adam, from the same weights on the same batches of 100 pairs, one thread each. The peer is one
net after the other, in PyTorch's own layout and in channels_last; the quicker of the two counts.
First it is checked, in float64, that both have the same losses after three steps; then they run in
turn, and the median of the ratios is reported. GFLOP/s counts the products that a step needs:
forward, dL/dW and dL/dx, without the dL/dx of the images.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from chainrule import nn, zoo
from chainrule.interop.torch import to_torch
from chainrule.optim import Adam
from chainrule.train import Trainer

BATCH, HIDDEN, LR, STEPS = 100, 100, 1e-3, 5
NETS = {"conv1": zoo.pair_conv1, "conv2": zoo.pair_conv2}

Targets = dict[str, Tensor]


class Twin(torch.nn.Module):
    """One plain net in PyTorch."""

    def __init__(self, net: nn.Sequential, channels_last: bool) -> None:
        super().__init__()
        siamese, heads = net[0], net[1].heads
        encoders = [siamese.module] if siamese.share else [siamese.module, siamese.other]
        # Without the Unflatten, so that the images may have either layout.
        self.encoders = torch.nn.ModuleList(to_torch(encoder[1:]) for encoder in encoders)
        self.compare = to_torch(heads["main"][1])
        names = [heads[name][1] for name in ("first", "second") if name in heads]
        self.names = torch.nn.ModuleList(map(to_torch, names[: len(encoders)]))
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.layout)

    def forward(self, pairs: Tensor) -> Targets:
        shared = len(self.encoders) == 1
        batches = [pairs.flatten(0, 1)] if shared else pairs.unbind(1)
        features = [
            encoder(images.unsqueeze(1).contiguous(memory_format=self.layout))
            for encoder, images in zip(self.encoders, batches, strict=True)
        ]
        both = features[0].unflatten(0, (-1, 2)) if shared else torch.stack(features, 1)
        heads = {"main": self.compare(both.flatten(1))}
        for i, name in enumerate(("first", "second") if len(self.names) else ()):
            heads[name] = self.names[i % len(self.names)](both[:, i])
        return heads


def data(K: int) -> tuple[Tensor, Targets]:
    """A batch of its own for each replica."""
    generator = torch.Generator().manual_seed(0)
    pairs = torch.randn(K, BATCH, 2, 14, 14, generator=generator)
    first, second = torch.randint(10, (2, K, BATCH), generator=generator)
    return pairs, {"main": (first <= second).long(), "first": first, "second": second}


def ours(net: nn.Module, aux: bool) -> Callable[[Tensor, Targets], Tensor]:
    """Takes a step of all replicas, as the trainer does, and returns the losses (K,)."""
    trainer = Trainer(net, zoo.pair_loss(1.0 if aux else 0), Adam(net, lr=LR))
    alive = torch.ones(net.replicas or 1, dtype=torch.bool)

    @torch.no_grad()
    def step(pairs: Tensor, targets: Targets) -> Tensor:
        _, loss, _ = trainer._step(pairs, targets, alive)
        return loss

    return step


def pytorch(nets: list[Twin]) -> Callable[[Tensor, Targets], Tensor]:
    """Takes a step of each net, one after the other, and returns the losses (K,)."""
    optimizers = [torch.optim.Adam(net.parameters(), lr=LR) for net in nets]

    def step(pairs: Tensor, targets: Targets) -> Tensor:
        losses = []
        for k, (net, optimizer) in enumerate(zip(nets, optimizers, strict=True)):
            optimizer.zero_grad()
            heads = net(pairs[k])
            parts = (torch.nn.functional.cross_entropy(y, targets[h][k]) for h, y in heads.items())
            loss = sum(parts)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses)

    return step


def sides(name: str, share: bool, aux: bool, K: int, dtype: torch.dtype) -> dict[str, Callable]:
    """Ours and the two peers, from the same weights."""
    net = NETS[name](HIDDEN, share=share, aux=aux).replicate(K, list(range(K))).to(dtype)
    plain = [net.replica(k) for k in range(K)]
    return {
        "ours": ours(net, aux),
        "PyTorch": pytorch([Twin(p, False) for p in plain]),
        "PyTorch, channels_last": pytorch([Twin(p, True) for p in plain]),
    }


def same(name: str, share: bool, aux: bool) -> float:
    """The largest difference between the sides' losses after three steps, in float64."""
    pairs, targets = data(2)
    steps = sides(name, share, aux, 2, torch.float64).values()
    found = [[step(pairs.double(), targets) for _ in range(4)][-1] for step in steps]
    return max(float((losses - found[0]).abs().max()) for losses in found)


def flops(net: nn.Module) -> int:
    """Additions and multiplications in the products of a step of one plain net."""
    rows = net.summary(BATCH, 2, 14, 14).rows
    images = sum(row.multiply_adds for row in rows if row.layer.startswith("Conv2d(1,"))
    return 2 * (3 * sum(row.multiply_adds for row in rows) - images)


def compare(name: str, share: bool, aux: bool, K: int, repeat: int) -> dict[str, object]:
    """Time the sides in turn."""
    difference = same(name, share, aux)
    assert difference < 1e-10, f"{name}: the sides' losses differ by {difference}"
    steps, batch = sides(name, share, aux, K, torch.float32), data(K)
    times: dict[str, list[float]] = {side: [] for side in steps}
    for turn in range(repeat + 1):
        for side, step in steps.items():
            start = time.process_time()
            for _ in range(STEPS):
                step(*batch)
            if turn:  # the first is to warm up
                times[side].append((time.process_time() - start) / STEPS / K)
    peer = min(list(times)[1:], key=lambda side: statistics.median(times[side]))
    work = flops(NETS[name](HIDDEN, share=share, aux=aux)) / 1e9
    ratios = sorted(b / a for a, b in zip(times["ours"], times[peer], strict=True))
    return {
        "net": name + "-sharing" * share + "-aux" * aux,
        "peer": peer,
        "difference": difference,
        "ratio": statistics.median(ratios),
        "low": ratios[0],
        "high": ratios[-1],
        "ours_gflops": work / statistics.median(times["ours"]),
        "peer_gflops": work / statistics.median(times[peer]),
        "ours_ms": 1e3 * statistics.median(times["ours"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicas", type=int, default=10, help="nets in the cohort")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each side")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in NETS:
        for both in (False, True):
            rows.append(row := compare(name, both, both, options.replicas, options.repeat))
            print(
                f"{row['net']}: {row['ratio']:.2f} x {row['peer']} "
                f"(from {row['low']:.2f} to {row['high']:.2f}); "
                f"ours {row['ours_gflops']:.1f} GFLOP/s, {row['ours_ms']:.1f} ms a step of a net, "
                f"theirs {row['peer_gflops']:.1f} GFLOP/s; losses agree to {row['difference']:.0e}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
