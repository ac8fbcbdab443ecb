"""Small IDX files for the tests."""

import gzip
import struct

import torch

NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def header(*shape, kind=8):
    return struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape)


def idx(tensor):
    return header(*tensor.shape) + bytes(tensor.flatten().tolist())


def images(n, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randint(256, (n, 28, 28), generator=g).to(torch.uint8)


def labels(n):
    return (torch.arange(n) % 10).to(torch.uint8)


def write_split(folder, split="train", n=12, suffix="", zipped=False, change=lambda name: name):
    """A split's two files in `folder`, named as `change` says."""
    for name, tensor in zip(NAMES[split], (images(n), labels(n)), strict=True):
        content = gzip.compress(idx(tensor), mtime=0) if zipped else idx(tensor)
        (folder / f"{change(name)}{suffix}").write_bytes(content)
