"""Blocks of networks as optimizers leave them: attention, normalization and activation as operators of their own.

Every function takes a builder and a value `[1, LENGTH, WIDTH]` and returns another of that shape.
"""
import numpy as np

LENGTH, WIDTH = 6, 24
MICROSOFT = {"domain": "com.microsoft"}


def dense(b, x, i, o):
    return b.add("Add", b.add("MatMul", x, matrix(b, i, o)), vector(b, o))


def matrix(b, i, o):
    return b.raw((b.random.standard_normal((i, o)) / np.sqrt(i) * 1.5).astype(np.float32))


def vector(b, size, low=-0.5, high=0.5):
    return b.raw(b.random.uniform(low, high, size).astype(np.float32), "b")


def residual(b, x, y, width):
    """Projects back and adds."""
    return b.add("Add", x, dense(b, y, width, WIDTH))


def integers(b, values, kind=np.int32):
    return b.raw(np.array(values, kind), "i")


def caches(b, width, positions=LENGTH):
    """Cosines and sines for a rotated width."""
    angles = np.outer(np.arange(positions), 1.0 / 10 ** (np.arange(width // 2) / (width // 2)))
    return b.raw(np.cos(angles).astype(np.float32), "cos"), b.raw(np.sin(angles).astype(np.float32), "sin")


def head_bias(b, heads):
    return b.raw(b.random.standard_normal((1, heads, LENGTH, LENGTH)).astype(np.float32), "bias")


# The contrib Attention


def attention(b, x, heads=4, width=6, value_width=None, bias=True, mask=False, **attributes):
    value_width = value_width or width
    total = heads * (2 * width + value_width)
    if value_width != width:
        attributes["qkv_hidden_sizes"] = [heads * width, heads * width, heads * value_width]
    inputs = [x, matrix(b, WIDTH, total), vector(b, total)]
    if mask:
        inputs += [integers(b, [[1] * (LENGTH - 1) + [0]])]
    if bias:
        inputs += [""] * (5 - len(inputs)) + [head_bias(b, heads)]
    y = b.add("Attention", *inputs, num_heads=heads, **attributes, **MICROSOFT)
    return residual(b, x, y, heads * value_width)


def attention_plain(b, x):
    return attention(b, x, bias=False)


def attention_biased(b, x):
    return attention(b, x, heads=3, width=8, scale=0.3)


def attention_causal(b, x):
    return attention(b, x, heads=2, width=7, value_width=5, bias=False, mask=True, unidirectional=1)


def attention_present(b, x):
    """Its cache is read, which makes keys and values one width."""
    y, present = b.add(
        "Attention", x, matrix(b, WIDTH, 72), vector(b, 72), num_heads=4, outputs=2, **MICROSOFT)
    sum_ = b.add("ReduceSum", present, b.raw(np.array([0, 3], np.int64)), keepdims=0)
    sum_ = b.add("Reshape", sum_, b.raw(np.array([1, 1, 24], np.int64)))
    return b.add("Add", residual(b, x, y, 24), dense(b, sum_, 24, WIDTH))


# The contrib MultiHeadAttention


def multihead(b, x, heads=4, width=6, value_width=6, joint_bias=False, head=False, mask=False, **attributes):
    q, k = dense(b, x, WIDTH, heads * width), dense(b, x, WIDTH, heads * width)
    v = dense(b, x, WIDTH, heads * value_width)
    inputs = [q, k, v]
    inputs.append(vector(b, heads * (2 * width + value_width)) if joint_bias else "")
    inputs.append(integers(b, [[1] * (LENGTH - 1) + [0]]) if mask else "")
    inputs.append(head_bias(b, heads) if head else "")
    y = b.add("MultiHeadAttention", *inputs, num_heads=heads, **attributes, **MICROSOFT)
    return residual(b, x, y, heads * value_width)


def multihead_plain(b, x):
    return multihead(b, x)


def multihead_biased(b, x):
    return multihead(b, x, heads=3, width=5, value_width=7, joint_bias=True, head=True, mask=True)


def multihead_cross(b, x):
    """Keys and values with heads on an axis of their own."""
    heads, width = 3, 4
    shape = b.raw(np.array([1, LENGTH, heads, width], np.int64))
    parts = [b.add("Transpose", b.add("Reshape", dense(b, x, WIDTH, heads * width), shape), perm=[0, 2, 1, 3])
             for _ in range(2)]
    y = b.add("MultiHeadAttention", dense(b, x, WIDTH, heads * width), *parts, num_heads=heads, **MICROSOFT)
    return residual(b, x, y, heads * width)


def multihead_rotated(b, x):
    """Queries and keys go through RotaryEmbedding: heads and the values' width are free."""
    heads, width = 3, 8
    cos, sin = caches(b, width)
    positions = integers(b, [list(range(LENGTH))], np.int64)
    q, k = (b.add("RotaryEmbedding", dense(b, x, WIDTH, heads * width), positions, cos, sin, **MICROSOFT)
            for _ in range(2))
    v = dense(b, x, WIDTH, heads * width)
    y = b.add("MultiHeadAttention", q, k, v, num_heads=heads, **MICROSOFT)
    return residual(b, x, y, heads * width)


def multihead_partly_rotated(b, x):
    heads, width, rotated = 4, 8, 4
    cos, sin = caches(b, rotated)
    positions = integers(b, [list(range(LENGTH))], np.int64)
    q, k = (b.add("RotaryEmbedding", dense(b, x, WIDTH, heads * width), positions, cos, sin, num_heads=heads,
                  rotary_embedding_dim=rotated, **MICROSOFT) for _ in range(2))
    y = b.add("MultiHeadAttention", q, k, dense(b, x, WIDTH, heads * width), num_heads=heads, **MICROSOFT)
    return residual(b, x, y, heads * width)


# The contrib GroupQueryAttention


def grouped(b, x, groups=3, repeat=2, width=16, rotary=False, packed=False, **attributes):
    heads = groups * repeat
    if packed:
        operands = [dense(b, x, WIDTH, (heads + 2 * groups) * width), "", ""]
    else:
        operands = [dense(b, x, WIDTH, count * width) for count in (heads, groups, groups)]
    inputs = [*operands, "", "", integers(b, [LENGTH - 1]), integers(b, LENGTH)]
    if rotary:
        inputs += caches(b, width)
        attributes["do_rotary"] = 1
    y, _, _ = b.add(
        "GroupQueryAttention", *inputs, outputs=3, num_heads=heads, kv_num_heads=groups, **attributes, **MICROSOFT)
    return residual(b, x, y, heads * width)


def grouped_cached(b, x, groups=2, repeat=3, width=8, past=4):
    """Keys and values of before come from outside: only how many queries share a group is free."""
    heads, total = groups * repeat, LENGTH + past
    operands = [dense(b, x, WIDTH, count * width) for count in (heads, groups, groups)]
    y, _, _ = b.add(
        "GroupQueryAttention", *operands, "past_key", "past_value", integers(b, [total - 1]), integers(b, total),
        outputs=3, num_heads=heads, kv_num_heads=groups, **MICROSOFT)
    b.inputs = {name: [1, groups, past, width] for name in ("past_key", "past_value")}
    return residual(b, x, y, heads * width)


def grouped_plain(b, x):
    return grouped(b, x)


def grouped_rotated(b, x):
    return grouped(b, x, groups=2, repeat=3, rotary=True)


def grouped_packed(b, x):
    return grouped(b, x, groups=2, repeat=2, packed=True, rotary=True, scale=0.2)


# The standard operators of operator set 23


def standard(b, x, groups=2, repeat=2, width=6, value_width=5, split=False, rotated=0, mask=False, **attributes):
    heads = groups * repeat
    q, k, v = (dense(b, x, WIDTH, size) for size in (heads * width, groups * width, groups * value_width))
    if rotated:
        cos, sin = caches(b, rotated)
        positions = integers(b, [list(range(LENGTH))], np.int64)
        partial = {} if rotated == width else {"rotary_embedding_dim": rotated}
        q, k = (b.add("RotaryEmbedding", t, cos, sin, positions, num_heads=count, **partial)
                for t, count in ((q, heads), (k, groups)))
    if split:
        def apart(t, count, size):
            shape = b.raw(np.array([1, LENGTH, count, size], np.int64))
            return b.add("Transpose", b.add("Reshape", t, shape), perm=[0, 2, 1, 3])
        q, k, v = apart(q, heads, width), apart(k, groups, width), apart(v, groups, value_width)
    else:
        attributes |= {"q_num_heads": heads, "kv_num_heads": groups}
    inputs = [q, k, v] + ([head_bias(b, heads)] if mask else [])
    y = b.add("Attention", *inputs, **attributes)
    if split:
        y = b.add("Transpose", y, perm=[0, 2, 1, 3])
        y = b.add("Reshape", y, b.raw(np.array([1, LENGTH, heads * value_width], np.int64)))
    return residual(b, x, y, heads * value_width)


def standard_flat(b, x):
    return standard(b, x, mask=True, is_causal=1)


def standard_split(b, x):
    return standard(b, x, groups=3, repeat=1, split=True)


def standard_rotated(b, x):
    return standard(b, x, groups=2, repeat=2, width=8, rotated=8)


def standard_partly_rotated(b, x):
    return standard(b, x, groups=4, repeat=1, width=8, rotated=4)


def root_mean_square(b, x):
    return b.add("RMSNormalization", x, vector(b, WIDTH, 0.5, 1.5), axis=-1)


# Normalization and feed-forward


def skip_normalized(b, x):
    y = dense(b, x, WIDTH, WIDTH)
    return b.add(
        "SkipLayerNormalization", x, y, vector(b, WIDTH, 0.5, 1.5), vector(b, WIDTH), vector(b, WIDTH), **MICROSOFT)


def skip_simplified(b, x):
    y = dense(b, x, WIDTH, WIDTH)
    return b.add("SkipSimplifiedLayerNormalization", x, y, vector(b, WIDTH, 0.5, 1.5), **MICROSOFT)


def simplified(b, x):
    return b.add("SimplifiedLayerNormalization", x, vector(b, WIDTH, 0.5, 1.5), axis=-1)


def feedforward(b, x):
    """One feed-forward for each fused activation."""
    for operator in ("BiasGelu", "FastGelu"):
        wide = b.add("MatMul", x, matrix(b, WIDTH, 32))
        x = residual(b, x, b.add(operator, wide, vector(b, 32), **MICROSOFT), 32)
    wide = b.add("QuickGelu", dense(b, x, WIDTH, 20), **MICROSOFT)
    return residual(b, x, wide, 20)


def fused_products(b, x):
    y = b.add("FusedMatMul", x, matrix(b, 20, WIDTH), transB=1, alpha=0.5, **MICROSOFT)
    y = residual(b, x, b.add("Relu", y), 20)
    flat = b.add("Reshape", y, b.raw(np.array([LENGTH, WIDTH], np.int64)))
    flat = b.add("FusedGemm", flat, matrix(b, WIDTH, 18), vector(b, 18), activation="LeakyRelu",
                 activation_alpha=0.1, **MICROSOFT)
    flat = b.add("Gemm", flat, matrix(b, 18, WIDTH), vector(b, WIDTH))
    return b.add("Add", y, b.add("Reshape", flat, b.raw(np.array([1, LENGTH, WIDTH], np.int64))))


def few_bits(b, x, rows, columns, block=16, zero_points=False):
    """A matrix of four bits with a scale for each block of rows."""
    blocks = -(-rows // block)
    packed = b.raw(b.random.integers(0, 256, (columns, blocks, block // 2)).astype(np.uint8), "q")
    inputs = [x, packed, b.raw(b.random.uniform(0.01, 0.1, (columns, blocks)).astype(np.float32), "s")]
    if zero_points:
        inputs.append(b.raw(b.random.integers(0, 256, (columns, -(-blocks // 2))).astype(np.uint8), "z"))
    return b.add("MatMulNBits", *inputs, K=rows, N=columns, bits=4, block_size=block, **MICROSOFT)


def four_bits(b, x):
    """64 channels between two such matrices are four blocks of the second."""
    wide = b.add("Relu", few_bits(b, x, WIDTH, 64))
    return b.add("Add", x, few_bits(b, wide, 64, WIDTH))


def four_bits_shifted(b, x):
    """Zero points share bytes, so that only columns may go."""
    return residual(b, x, b.add("Relu", few_bits(b, x, WIDTH, 20, zero_points=True)), 20)


def experts(b, x, count=4, inner=10):
    """Two of four feed-forward networks for every token."""
    router = dense(b, x, WIDTH, count)
    router = b.add("Reshape", router, b.raw(np.array([LENGTH, count], np.int64)))
    first = b.raw((b.random.standard_normal((count, inner, WIDTH)) / 5).astype(np.float32))
    second = b.raw((b.random.standard_normal((count, WIDTH, inner)) / 3).astype(np.float32))
    biases = [b.raw(b.random.uniform(-0.5, 0.5, (count, size)).astype(np.float32), "b") for size in (inner, WIDTH)]
    y = b.add("MoE", x, router, first, biases[0], second, biases[1], k=2, activation_type="gelu", **MICROSOFT)
    return b.add("Add", x, y)


def gated_experts(b, x, count=3, inner=9):
    """Gates and values alternate in the first matrix."""
    router = dense(b, x, WIDTH, count)
    router = b.add("Reshape", router, b.raw(np.array([LENGTH, count], np.int64)))
    first = b.raw((b.random.standard_normal((count, 2 * inner, WIDTH)) / 5).astype(np.float32))
    second = b.raw((b.random.standard_normal((count, WIDTH, inner)) / 3).astype(np.float32))
    y = b.add("MoE", x, router, first, "", second, k=2, activation_type="swiglu", swiglu_fusion=1, **MICROSOFT)
    return b.add("Add", x, y)


def scaled_in_blocks(b, x, block=8):
    """Integers with a scale for each block of eight rows, before an ordinary product of four heads of sixteen."""
    inner = 64
    integers_ = b.raw(b.random.integers(-100, 100, (inner, WIDTH)).astype(np.int8), "q")
    scales = b.raw(b.random.uniform(0.001, 0.01, (inner // block, WIDTH)).astype(np.float32), "s")
    points = b.raw(b.random.integers(-5, 5, (inner // block, WIDTH)).astype(np.int8), "z")
    back = b.add("DequantizeLinear", integers_, scales, points, axis=0, block_size=block)
    q, k, v = (dense(b, x, WIDTH, inner) for _ in range(3))
    y = b.add("MultiHeadAttention", q, k, v, num_heads=4, **MICROSOFT)
    return b.add("Add", x, b.add("MatMul", y, back))
