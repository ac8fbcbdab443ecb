"""Where the samples of a data set come from goes along with them."""

from __future__ import annotations

import pytest
import torch

from chainrule.data import Dataset, colored_digits, digit_pairs, digits
from chainrule.data.datasets.loaders import table


def numbered(n: int = 5) -> Dataset:
    return Dataset(torch.rand(n, 2), torch.zeros(n), sources=torch.arange(n).unsqueeze(1))


def test_a_subset_keeps_the_sources_of_its_samples():
    found = numbered().subset(torch.tensor([3, 1, 3]))
    assert found.sources.tolist() == [[3], [1], [3]]


def test_a_data_set_with_replicas_has_none():
    assert Dataset.stack([numbered(), numbered()]).sources is None
    assert numbered().subset(torch.tensor([[0, 1], [2, 3]])).sources is None


@pytest.mark.parametrize("sources", [torch.arange(5), torch.zeros(4, 1).long(), torch.rand(5, 1)])
def test_sources_of_another_shape_or_type_are_refused(sources):
    with pytest.raises(ValueError, match=r"expected sources \(5, m\) int64, got"):
        Dataset(torch.rand(5, 2), torch.zeros(5), sources=sources)


def test_rows_of_a_table_are_numbered():
    train, test = table(0)
    numbers = [*train.sources.flatten().tolist(), *test.sources.flatten().tolist()]
    assert sorted(numbers) == [*range(392)]


def test_images_are_numbered_and_the_test_images_are_others():
    assert digits("train").sources[:2].tolist() == [[0], [1]]
    assert digits("test").sources[:2].tolist() == [[-1], [-2]]
    assert colored_digits("test").sources[:2].tolist() == [[-1], [-2]]


def test_a_pair_has_the_numbers_of_both_images():
    pairs = digit_pairs(20, seed=3)
    small = digits().inputs.reshape(-1, 14, 2, 14, 2).mean((2, 4))
    assert torch.equal(small[pairs.sources], pairs.inputs)
