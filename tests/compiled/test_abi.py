"""C++ and ctypes lay out alike what goes from one to the other."""

import ctypes
import subprocess

import pytest

from chainrule.compiled import abi
from chainrule.compiled.cstruct import fields, native_type
from chainrule.compiled.lowering.ir import OPERATIONS, GradMode, Matmul, StoreOutput
from chainrule.compiled.toolchain import FLAGS, compiler


def python_layout():
    """Each size, place and value as Python has it: the C++ that prints it → the number."""
    structures = {cls.__name__: native_type(cls) for cls in OPERATIONS}
    structures |= {cls.__name__: cls for cls in abi.STRUCTURES}
    structures |= {"Operation": abi.NativeOp, "OperationArgs": abi.NativeArgs}
    layout = {}
    for name, cls in structures.items():
        layout[f"sizeof({name})"] = ctypes.sizeof(cls)
        for field, *_ in cls._fields_:
            layout[f"offsetof({name}, {field})"] = getattr(cls, field).offset
    for enum in abi.ENUMS:
        layout |= {f"int64_t({enum.__name__}::{member.name})": member.value for member in enum}
    layout |= {f"int64_t(OpCode::{name.upper()})": code for code, name in abi.CODES.values()}
    return layout


def native_layout(header, folder):
    """The same numbers, as a program prints them that is compiled with this header."""
    names = list(python_layout())
    prints = "".join(f'printf("%lld\\n", (long long)({name}));\n' for name in names)
    (folder / "abi.h").write_text(header)
    source = f'#include "abi.h"\n#include <cstddef>\n#include <cstdio>\nint main() {{\n{prints}}}\n'
    (folder / "layout.cpp").write_text(source)
    program = folder / "layout"
    command = [compiler(), FLAGS[0], folder / "layout.cpp", "-o", program]
    subprocess.run(command, check=True, capture_output=True)
    numbers = subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()
    return dict(zip(names, map(int, numbers), strict=True))


def test_sizes_places_and_values_are_the_same(tmp_path):
    assert native_layout(abi.header(), tmp_path) == python_layout()


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("    int64_t m;\n    int64_t k;\n", "    int64_t k;\n    int64_t m;\n", "Matmul, m"),
        ("SKIP = 0, ASSIGN = 1", "ASSIGN = 0, SKIP = 1", "GradMode::ASSIGN"),
        (
            "    int64_t replicas;\n    int64_t samples;\n    int64_t batch_size;\n",
            "    int64_t samples;\n    int64_t replicas;\n    int64_t batch_size;\n",
            "EpochArgs, samples",
        ),
    ],
)
def test_a_field_that_was_moved_is_found(before, after, place, tmp_path):
    header = abi.header()
    assert header.count(before) == 1
    found = native_layout(header.replace(before, after), tmp_path)
    assert any(place in name for name, number in python_layout().items() if found[name] != number)


def test_an_operation_keeps_its_fields():
    op = Matmul(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, True, GradMode.ASSIGN, GradMode.ACCUMULATE)
    first, second = abi.native_ops([op, StoreOutput(1, 2, 3, 4, 5, 6)])
    native = first.args.matmul
    assert [getattr(native, field.name) for field in fields(Matmul)] == [*range(1, 11), True, 1, 2]
    assert second.args.store_output.ldx == 6
    assert first.code != second.code


def test_a_type_without_a_form_in_cpp_is_refused():
    class Wrong:
        name: str

    with pytest.raises(TypeError, match=r"no C\+\+ type for <class 'str'>"):
        fields(Wrong)
