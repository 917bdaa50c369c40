"""One-node models of the operators ONNX Runtime's optimizer fuses, with data."""
import numpy as np
from onnx import TensorProto

from contrib_attention_cases import MICROSOFT, Data, node


def cases():
    yield from normalizations()
    yield from activations()
    yield from products()
    yield from embeddings()
    yield from experts()


def fused(name, op, feed, outputs=1, **attributes):
    return node(name, op, feed, outputs, MICROSOFT, **attributes)


def normalizations():
    d = Data(11)
    b, t, w = 2, 3, 20
    x, skip = d.floats(b, t, w), d.floats(b, t, w)
    scale, shift, bias = d.floats(w), d.floats(w), d.floats(w)
    base = {"x": x, "skip": skip, "scale": scale}
    yield fused("skip_norm", "SkipLayerNormalization", base | {"shift": shift})
    yield fused("skip_norm_biased", "SkipLayerNormalization", base | {"shift": shift, "bias": bias}, epsilon=0.01)
    yield fused("skip_norm_unshifted", "SkipLayerNormalization", base)
    yield fused("skip_norm_sum", "SkipLayerNormalization", base | {"shift": shift, "bias": bias},
                ["out0", "", "", "out3"])
    yield fused("skip_norm_repeated", "SkipLayerNormalization", base | {"skip": d.floats(1, t, w), "shift": shift})
    yield fused("skip_norm_flat", "SkipLayerNormalization", base | {"skip": d.floats(t, w), "shift": shift})
    yield fused("skip_simplified", "SkipSimplifiedLayerNormalization", base)
    yield fused("skip_simplified_biased", "SkipSimplifiedLayerNormalization", base | {"bias": bias},
                ["out0", "", "", "out3"], epsilon=1e-5)


def activations():
    d = Data(12)
    x, bias = d.floats(2, 3, 20, scale=3), d.floats(20)
    yield fused("gelu", "Gelu", {"x": x})
    yield fused("bias_gelu", "BiasGelu", {"x": x, "b": bias})
    yield fused("fast_gelu", "FastGelu", {"x": x})
    yield fused("fast_gelu_biased", "FastGelu", {"x": x, "b": bias})
    yield fused("quick_gelu", "QuickGelu", {"x": x})
    yield fused("quick_gelu_slow", "QuickGelu", {"x": x}, alpha=0.5)


def products():
    d = Data(13)
    for transA in (0, 1):
        for transB in (0, 1):
            a = d.floats(2, 5, 3) if transA else d.floats(2, 3, 5)
            b = d.floats(4, 5) if transB else d.floats(5, 4)
            yield fused(f"fused_matmul_{transA}{transB}", "FusedMatMul", {"a": a, "b": b}, transA=transA, transB=transB,
                        alpha=0.5)
            feed = {"a": a[0], "b": b, "c": d.floats(4)}
            yield fused(f"fused_gemm_{transA}{transB}", "FusedGemm", feed, transA=transA, transB=transB, alpha=0.5,
                        beta=2.0, activation="Relu")
    yield fused("fused_matmul_batches", "FusedMatMul", {"a": d.floats(2, 1, 3, 5), "b": d.floats(4, 5, 6)})
    feed = {"a": d.floats(3, 5), "b": d.floats(5, 4), "c": d.floats(3, 1)}
    for name, attributes in [
        ("Sigmoid", {}), ("Tanh", {}), ("LeakyRelu", {"activation_alpha": 0.2}), ("Softsign", {}), ("Softplus", {}),
        ("Elu", {"activation_alpha": 0.7}), ("HardSigmoid", {"activation_alpha": 0.3, "activation_beta": 0.4}),
        ("ThresholdedRelu", {"activation_alpha": 0.5})]:
        yield fused(f"fused_gemm_{name}", "FusedGemm", feed, activation=name, **attributes)


def embeddings():
    d = Data(14)
    ids = d.random.integers(0, 9, (2, 4)).astype(np.int32)
    segments = d.random.integers(0, 2, (2, 4)).astype(np.int32)
    tables = {"word": d.floats(9, 12), "position": d.floats(6, 12), "segment": d.floats(2, 12)}
    scales = {"scale": d.floats(12), "shift": d.floats(12)}
    mask = {"mask": np.array([[1, 1, 0, 0], [1, 1, 1, 1]], np.int32)}
    kinds = [TensorProto.FLOAT, TensorProto.INT32, TensorProto.FLOAT]
    whole = {"ids": ids, "segments": segments} | tables | scales
    yield fused("embedding", "EmbedLayerNormalization", whole | mask, 2, types=kinds)
    yield fused("embedding_sum", "EmbedLayerNormalization", whole | mask, 3, types=kinds)
    yield fused("embedding_unsegmented", "EmbedLayerNormalization",
                whole | {"segments": None, "segment": None} | mask, 2, types=kinds)
    positions = {"mask": None, "positions": np.array([[5, 4, 3, 2], [0, 1, 2, 3]], np.int32)}
    yield fused("embedding_positions", "EmbedLayerNormalization", whole | positions, 2, types=kinds)


def experts():
    d = Data(15)
    tokens, width, inner, count = 7, 12, 10, 4
    base = {"x": d.floats(tokens, width), "router": d.floats(tokens, count)}
    plain = base | {"first": d.floats(count, inner, width, scale=0.3), "first_bias": d.floats(count, inner),
                    "second": d.floats(count, width, inner, scale=0.3), "second_bias": d.floats(count, width)}
    for name in ("relu", "gelu", "silu", "identity"):
        yield fused(f"experts_{name}", "MoE", plain, k=2, activation_type=name)
    yield fused("experts_normalized", "MoE", plain, k=2, activation_type="silu", normalize_routing_weights=1)
    joined = plain | {"first": d.floats(count, 2 * inner, width, scale=0.3), "first_bias": d.floats(count, 2 * inner)}
    for fusion in (1, 2):
        yield fused(f"experts_gated{fusion}", "MoE", joined, k=2, activation_type="swiglu", swiglu_fusion=fusion)
    yield fused("experts_bounded", "MoE", joined, k=1, activation_type="swiglu", swiglu_fusion=1, swiglu_limit=0.5,
                activation_alpha=1.7, activation_beta=1.0)
