"""Models that bring functions along, for parity_contrib.py: (name, model, inputs, bound)."""
import numpy as np
import onnx.parser

HEAD = '<ir_version: 9, opset_import: ["" : 18, "own" : 1]>'

MODELS = {
    "function_twice": """
        agraph (float[4] x) => (float[4] y) { m = own.Twice(x)  y = own.Twice(m) }
        <domain: "own", opset_import: ["" : 18]>
        Twice (a) => (c) { b = Relu(a)  c = Add(b, a) }""",
    "function_attributes": """
        agraph (float[4] x) => (float[4] y, float[4] z) { y = own.Leaky<slope = 0.25>(x)  z = own.Leaky(x) }
        <domain: "own", opset_import: ["" : 18]>
        Leaky <slope: float = 0.5> (a) => (c) { c = LeakyRelu<alpha: float = @slope>(a) }""",
    "function_nested": """
        agraph (float[4] x) => (float[4] y) { y = own.Outer(x) }
        <domain: "own", opset_import: ["" : 18, "own" : 1]>
        Outer (a) => (e) { c = own.Inner(a)  e = Sub(c, a) }
        <domain: "own", opset_import: ["" : 18]>
        Inner (a) => (c) { w = Constant<value = float[4] {1, 2, 3, 4}>()  c = Mul(a, w) }""",
    "function_branches": """
        agraph (float[4] x) => (float[4] y) { y = own.Choose(x) }
        <domain: "own", opset_import: ["" : 18]>
        Choose (a) => (c) {
            s = ReduceSum<keepdims = 0>(a)
            zero = Constant<value = float {0}>()
            positive = Greater(s, zero)
            c = If(positive) <then_branch = t () => (float[4] p) { p = Neg(a) },
                              else_branch = f () => (float[4] q) { q = Abs(a) }>
        }""",
}


def cases():
    feed = {"x": np.array([-2, -1, 1, 3], np.float32)}
    for name, text in MODELS.items():
        yield name, onnx.parser.parse_model(HEAD + text), feed, 1e-6
