import pytest
import torch

from chainrule.data import Dataset
from chainrule.data.dataset import stack_draws

N, K = 5, 3


def plain(offset=0.0):
    x = torch.arange(2.0 * N).reshape(N, 2) + offset
    return Dataset(x, {"a": torch.arange(N), "b": x.sum(-1)})


def cohort(shared_inputs=False):
    x = torch.arange(2.0 * N * K).reshape(K, N, 2)
    return Dataset(x[:1] if shared_inputs else x, x.sum(-1).long(), replicas=K)


def test_length_is_the_number_of_samples():
    assert (len(plain()), len(cohort())) == (N, N)


def test_repr_gives_layouts_and_no_numbers():
    assert repr(Dataset(torch.ones(5, 2), torch.ones(5))) == (
        "Dataset(inputs (5, 2) float32, targets (5,) float32, replicas=None)"
    )


@pytest.mark.parametrize(
    ("inputs", "targets", "replicas", "message"),
    [
        ((5, 2), (4,), None, r"as many samples in targets as in inputs, got 4 and 5"),
        ((), (5,), None, r"expected inputs \(N, …\), got \(\)"),
        ((5, 2), (), None, r"expected targets \(N, …\), got \(\)"),
        ((2, 5, 2), (3, 5), 3, r"expected inputs \(3 or 1, N, …\), got \(2, 5, 2\)"),
        ((3, 5, 2), (2, 5), 3, r"expected targets \(3 or 1, N, …\), got \(2, 5\)"),
        ((3, 5, 2), (3,), 3, r"expected targets \(3 or 1, N, …\), got \(3,\)"),
        ((3, 5, 2), (1, 4), 3, r"as many samples in targets as in inputs, got 4 and 5"),
        ((1, 5), (1, 5), 0, r"expected replicas None or at least 1, got 0"),
        ((1, 5), (1, 5), True, r"expected replicas None or at least 1, got True"),
        ((1, 5), (1, 5), 1.0, r"expected replicas None or at least 1, got 1.0"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(inputs, targets, replicas, message):
    with pytest.raises(ValueError, match=message):
        Dataset(torch.zeros(inputs), torch.zeros(targets), replicas)


def test_the_message_names_the_target_of_a_dictionary():
    with pytest.raises(ValueError, match=r"targets\['b'\] as in inputs, got 4 and 5"):
        Dataset(torch.zeros(5, 2), {"a": torch.zeros(5), "b": torch.zeros(4)})


def test_no_target_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one target"):
        Dataset(torch.zeros(5, 2), {})


def test_what_is_not_a_tensor_is_refused():
    with pytest.raises(TypeError, match="expected targets to be a tensor, got list"):
        Dataset(torch.zeros(2), [1, 2])


def test_a_leading_one_serves_all_replicas():
    data = Dataset(torch.zeros(1, 5, 2), torch.zeros(3, 5), replicas=3)
    assert data.replica(2).inputs.shape == (5, 2)


def test_an_empty_data_set_is_allowed():
    assert len(Dataset(torch.zeros(0, 2), torch.zeros(0))) == 0


def test_subset_of_a_plain_set():
    part = plain().subset(torch.tensor([3, 0, 3]))
    assert part.inputs.tolist() == [[6, 7], [0, 1], [6, 7]]
    assert part.targets["a"].tolist() == [3, 0, 3]


def test_a_subset_index_per_replica_makes_a_plain_set_a_cohort():
    index = torch.tensor([[3, 0], [1, 1]])
    part = plain().subset(index)
    assert part.replicas == 2
    for k in range(2):
        assert torch.equal(part.replica(k).inputs, plain().subset(index[k]).inputs)


def test_one_index_takes_the_same_samples_of_every_replica():
    index = torch.tensor([4, 1])
    part = cohort().subset(index)
    for k in range(K):
        assert torch.equal(part.replica(k).targets, cohort().replica(k).targets[index])


def test_one_index_keeps_shared_inputs_shared():
    assert cohort(shared_inputs=True).subset(torch.tensor([4, 1])).inputs.shape == (1, 2, 2)


@pytest.mark.parametrize("shared", [False, True])
def test_an_index_per_replica_takes_each_its_own(shared):
    index = torch.tensor([[4, 1], [0, 0], [2, 3]])
    data = cohort(shared)
    part = data.subset(index)
    for k in range(K):
        assert torch.equal(part.replica(k).inputs, data.replica(k).inputs[index[k]])
        assert torch.equal(part.replica(k).targets, data.replica(k).targets[index[k]])


def test_a_subset_may_be_empty():
    assert len(plain().subset(torch.empty(0, dtype=torch.int64))) == 0


@pytest.mark.parametrize("outside", [-1, N])
@pytest.mark.parametrize("data", [plain(), cohort()])
def test_an_index_outside_is_refused(data, outside):
    with pytest.raises(IndexError, match=f"entries 0 ≤ i < {N}, got {outside}"):
        data.subset(torch.tensor([0, outside]))


@pytest.mark.parametrize(
    ("index", "got"),
    [(torch.ones(N, dtype=torch.bool), "torch.bool"), ([0, 1], "list"), (torch.ones(2), "float32")],
)
def test_an_index_of_another_kind_is_refused(index, got):
    with pytest.raises(TypeError, match=f"expected an int64 tensor, got .*{got}"):
        plain().subset(index)


@pytest.mark.parametrize(
    ("data", "shape", "expected"),
    [
        (plain(), (), r"\(n,\) or \(K, n\)"),
        (plain(), (1, 1, 1), r"\(n,\) or \(K, n\)"),
        (cohort(), (2, 4), r"\(n,\) or \(3, n\), got \(2, 4\)"),
    ],
)
def test_an_index_of_another_shape_is_refused(data, shape, expected):
    with pytest.raises(ValueError, match=expected):
        data.subset(torch.zeros(shape, dtype=torch.int64))


def test_replica_is_plain():
    one = cohort().replica(1)
    assert one.replicas is None
    assert torch.equal(one.inputs, cohort().inputs[1])


@pytest.mark.parametrize("k", [-1, K])
def test_a_replica_outside_is_refused(k):
    with pytest.raises(IndexError, match=f"0 ≤ k < {K}, got {k}"):
        cohort().replica(k)


def test_a_plain_set_has_no_replica():
    with pytest.raises(ValueError, match="got a plain one"):
        plain().replica(0)


def test_stack_then_replica_gives_each_back():
    sets = [plain(offset) for offset in (0.0, 7.0)]
    stacked = Dataset.stack(sets)
    assert stacked.replicas == 2
    for k, one in enumerate(sets):
        assert torch.equal(stacked.replica(k).inputs, one.inputs)
        assert torch.equal(stacked.replica(k).targets["b"], one.targets["b"])


def test_stack_goes_by_the_targets_names_not_their_order():
    a, b = torch.zeros(N), torch.ones(N)
    x = torch.zeros(N, 2)
    stacked = Dataset.stack([Dataset(x, {"a": a, "b": b}), Dataset(x, {"b": b, "a": a})])
    assert torch.equal(stacked.targets["a"], torch.zeros(2, N))


def test_stack_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one data set"):
        Dataset.stack([])


def test_stack_of_a_cohort_is_refused():
    with pytest.raises(ValueError, match="expected plain data sets, number 0 is"):
        Dataset.stack([cohort()])


@pytest.mark.parametrize(
    "other",
    [
        Dataset(torch.zeros(4, 2), torch.zeros(4)),
        Dataset(torch.zeros(5, 2).double(), torch.zeros(5)),
        Dataset(torch.zeros(5, 2), {"a": torch.zeros(5)}),
    ],
)
def test_stack_of_different_layouts_is_refused(other):
    with pytest.raises(ValueError, match="same shapes and dtypes everywhere"):
        Dataset.stack([Dataset(torch.zeros(5, 2), torch.zeros(5)), other])


def test_to_changes_only_floating_dtypes():
    data = plain().to(dtype=torch.float64)
    kinds = (data.inputs.dtype, data.targets["a"].dtype, data.targets["b"].dtype)
    assert kinds == (torch.float64, torch.int64, torch.float64)


def test_to_moves_every_tensor():
    data = cohort().to("meta")
    assert data.inputs.is_meta
    assert data.targets.is_meta
    assert data.replicas == K


def test_to_an_integer_dtype_is_refused():
    with pytest.raises(TypeError, match=r"floating dtype, got torch\.int32"):
        plain().to(dtype=torch.int32)


def test_a_data_set_cannot_be_reassigned():
    with pytest.raises(AttributeError):
        plain().inputs = torch.zeros(5, 2)


@pytest.mark.parametrize("seed", [1.5, "12", ["1"]])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(TypeError):
        stack_draws(lambda one: plain(), seed)
