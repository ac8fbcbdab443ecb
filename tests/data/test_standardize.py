import pytest
import torch

from chainrule.data import Dataset, Standardizer, standardize, standardize_targets


def data(x, replicas=None):
    samples = x.shape[: 1 if replicas is None else 2]
    return Dataset(x, torch.zeros(samples), replicas)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_worked_example():
    # One feature, 1 and 5: mean 3, deviation √(((1 − 3)² + (5 − 3)²) / 2) = 2.
    train, test = data(torch.tensor([[1.0], [5.0]])), data(torch.tensor([[4.0]]))
    (train, test), scale = standardize(train, test)
    assert train.inputs.tolist() == [[-1.0], [1.0]]
    assert test.inputs.tolist() == [[0.5]]
    assert (scale.mean.item(), scale.std.item()) == (3.0, 2.0)


def test_each_feature_has_mean_0_and_deviation_1():
    x = normal(50, 3) * torch.tensor([1.0, 9.0, 0.1]) + torch.tensor([5.0, 0.0, -2.0])
    ((train,), _) = standardize(data(x))
    torch.testing.assert_close(train.inputs.mean(0), torch.zeros(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(train.inputs.std(0, correction=0), torch.ones(3))


def test_per_all_is_one_affine_map():
    x = normal(6, 1, 4, 4)
    ((train,), scale) = standardize(data(x), per="all")
    assert scale.mean.numel() == 1
    torch.testing.assert_close(train.inputs, (x - x.mean()) / x.std(correction=0))


@pytest.mark.parametrize("per", ["feature", "all"])
def test_each_replica_is_standardized_as_if_alone(per):
    x, z = normal(3, 20, 2), normal(3, 7, 2, seed=1)
    (train, test), _ = standardize(data(x, 3), data(z, 3), per=per)
    for k in range(3):
        (one, other), _ = standardize(data(x[k]), data(z[k]), per=per)
        torch.testing.assert_close(train.replica(k).inputs, one.inputs)
        torch.testing.assert_close(test.replica(k).inputs, other.inputs)


def test_a_shared_test_set_is_standardized_by_each_replica():
    x, z = normal(3, 20, 2), normal(1, 7, 2, seed=1)
    (_, test), _ = standardize(data(x, 3), data(z, 3))
    (_, alone), _ = standardize(data(x[2]), data(z[0]))
    torch.testing.assert_close(test.replica(2).inputs, alone.inputs)


@pytest.mark.parametrize("value", [0.1, 1e30, -3.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_constant_feature_becomes_exactly_zero(value, dtype):
    x = torch.full((7, 1), value, dtype=dtype)
    ((train,), _) = standardize(data(x))
    assert train.inputs.eq(0).all()


def test_one_sample_becomes_zero():
    ((train,), _) = standardize(data(normal(1, 3)))
    assert train.inputs.eq(0).all()


def test_a_mean_much_larger_than_the_spread_costs_nothing():
    x = 1e7 + torch.arange(8.0).unsqueeze(1)
    ((train,), _) = standardize(data(x))
    ((small,), _) = standardize(data(torch.arange(8.0).unsqueeze(1)))
    torch.testing.assert_close(train.inputs, small.inputs)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_is_not_finite_still_shows_on_a_constant_feature(bad):
    (_, test), _ = standardize(data(torch.ones(3, 1)), data(torch.tensor([[bad]])))
    assert test.inputs.isnan().all()


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_is_not_finite_in_train_gives_no_number(bad):
    ((train,), _) = standardize(data(torch.tensor([[1.0], [bad]])))
    assert train.inputs.isnan().all()


def test_inverse_gives_the_inputs_back():
    x = torch.cat((normal(9, 2) * 3 + 4, torch.full((9, 1), 5.0)), 1)
    ((train,), scale) = standardize(data(x))
    torch.testing.assert_close(scale.inverse(train.inputs), x)


def test_targets_dtype_and_train_itself_stay():
    x = normal(4, 2)
    before = x.clone()
    source = data(x)
    ((train,), _) = standardize(source)
    assert train.targets is source.targets
    assert train.inputs.dtype == torch.float32
    assert torch.equal(x, before)


@pytest.mark.parametrize("shape", [(4, 3), (4, 1), (4,), (4, 2, 2)])
def test_other_features_are_refused(shape):
    with pytest.raises(ValueError, match=r"that fits mean \(1, 2\), got"):
        standardize(data(normal(4, 2)), data(normal(*shape)))


def test_another_number_of_samples_of_a_cohort_is_no_excuse():
    _, scale = standardize(data(normal(3, 20, 2), 3))
    with pytest.raises(ValueError, match=r"fits mean \(3, 1, 2\), got \(2, 20, 2\)"):
        scale(normal(2, 20, 2))


def test_integers_cannot_be_standardized():
    with pytest.raises(ValueError, match="expected floating inputs"):
        standardize(data(torch.ones(3, 2, dtype=torch.int64)))
    scale = Standardizer(torch.zeros(1, 2).double(), torch.ones(1, 2).double())
    with pytest.raises(ValueError, match=r"expected a floating tensor .* got \(3, 2\) torch.int64"):
        scale.inverse(torch.ones(3, 2, dtype=torch.int64))


def test_an_empty_training_set_is_refused():
    with pytest.raises(ValueError, match="of at least one"):
        standardize(data(torch.ones(0, 2)))


def test_an_empty_test_set_is_allowed():
    (_, test), _ = standardize(data(normal(3, 2)), data(torch.ones(0, 2)))
    assert test.inputs.shape == (0, 2)


def test_other_replicas_are_refused():
    with pytest.raises(ValueError, match="expected replicas=None as in train"):
        standardize(data(normal(3, 2)), data(normal(2, 3, 2), 2))


def test_an_unknown_choice_is_refused():
    with pytest.raises(ValueError, match="per 'feature' or 'all', got 'pixel'"):
        standardize(data(normal(3, 2)), per="pixel")


# targets


def numbers(*values):
    targets = torch.tensor(values).unsqueeze(1)
    return Dataset(torch.zeros(len(values), 2), targets)


def test_targets_are_scaled_by_the_training_samples_alone_and_come_back():
    (train, test), scale = standardize_targets(numbers(1.0, 3.0, 8.0), numbers(100.0))
    torch.testing.assert_close(train.targets.mean(), torch.tensor(0.0))
    torch.testing.assert_close(train.targets.std(correction=0), torch.tensor(1.0))
    torch.testing.assert_close(scale.inverse(test.targets), torch.tensor([[100.0]]))


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (torch.tensor([1, 2]), "expected targets .* that are numbers"),
        ({"a": torch.ones(2)}, "expected targets .* that are numbers"),
        (torch.ones(2, 1), "expected targets that change"),
    ],
)
def test_targets_that_cannot_be_scaled(targets, message):
    with pytest.raises(ValueError, match=message):
        standardize_targets(Dataset(torch.ones(2, 3), targets))


def test_other_data_sets_must_have_one_target_too():
    with pytest.raises(ValueError, match="expected one target, got a"):
        standardize_targets(numbers(1.0, 2.0), Dataset(torch.ones(2, 2), {"a": torch.ones(2)}))
