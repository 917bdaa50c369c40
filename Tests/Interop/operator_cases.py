"""ONNX's own operator cases: a model of one node with inputs and the outputs they must give."""
import contextlib
import os
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def cases(only=None):
    """(name, model, input arrays, output arrays) of every case that deals in tensors of the default domain."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings(), open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        warnings.simplefilter("ignore")
        collected = collect_testcases(None)
    for case in collected:
        if not case.data_sets or (only and only not in case.name):
            continue
        if any(o.domain not in ("", "ai.onnx") for o in case.model.opset_import):
            continue
        inputs, outputs = case.data_sets[0]
        yield case.name, case.model, list(inputs), list(outputs)


def tensor(array, name):
    """A tensor of an array or of what cases give instead of one; None for sequences and optionals."""
    if isinstance(array, TensorProto):
        copy = TensorProto()
        copy.CopyFrom(array)
        copy.name = name
        return copy
    if isinstance(array, (list, dict, tuple)) or array is None:
        return None
    return numpy_helper.from_array(np.asarray(array), name)


def shape_of(array):
    """The shape of an array or tensor; None for what is neither."""
    if isinstance(array, TensorProto):
        return list(array.dims)
    if isinstance(array, (list, dict, tuple)) or array is None:
        return None
    return list(np.shape(array))


def with_constants(model, arrays, is_constant):
    """A copy whose inputs become initializers where `is_constant(value info, tensor)` says so."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    inputs = list(copy.graph.input)
    del copy.graph.input[:]
    for info, array in zip(inputs, arrays):
        held = tensor(array, info.name)
        if held is not None and is_constant(info, held):
            copy.graph.initializer.append(held)
        else:
            copy.graph.input.append(info)
    return copy


def without_sizes(model):
    """A copy whose inputs declare no sizes, only ranks."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for info in copy.graph.input:
        if info.type.HasField("tensor_type"):
            for axis, dim in enumerate(info.type.tensor_type.shape.dim):
                dim.dim_param = f"{info.name}_{axis}"
    return copy


def without_declared_outputs(model):
    """A copy whose outputs have a type and no shape, so that only inference can tell it."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for info in copy.graph.output:
        if info.type.HasField("tensor_type"):
            info.CopyFrom(helper.make_tensor_value_info(info.name, info.type.tensor_type.elem_type, None))
    return copy
