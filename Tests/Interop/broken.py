"""The registry of broken models: each is broken in one way, and has a name and a maker."""
import onnx

from made_models import small

BROKEN = {}


def broken(function):
    """Registers a maker by its name; it returns a model, or bytes, or the path of what it wrote itself."""
    BROKEN[function.__name__] = function
    return function


def write(name, folder):
    """Makes one of them; returns its path."""
    made = BROKEN[name](folder)
    path = folder / "model.onnx"
    if isinstance(made, onnx.ModelProto):
        made = made.SerializeToString()
    if isinstance(made, bytes):
        path.write_bytes(made)
    return path


def variant(change):
    model = small()
    change(model.graph)
    return model
