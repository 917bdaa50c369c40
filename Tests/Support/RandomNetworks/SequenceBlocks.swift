/// Networks over sequences of 7 elements: attention in its forms, gates, recurrence. Every block takes and returns a value
/// of the same width.
struct SequenceBlocks {
  private var network: NetworkText
  private static let length = 7
  private static let width = 12

  static let names = [
    "attention", "joined", "feedforward", "gelu", "gated", "recurrent", "norm", "conv", "einsum", "reshaped", "experts",
  ]

  static func text(_ seed: UInt64, _ blocks: [(number: Int, name: String)]) -> String {
    var builder = SequenceBlocks(network: NetworkText(seed: seed))
    var value = builder.start()
    for block in blocks {
      builder.network.random = SplitMix64(seed: seed &+ UInt64(block.number + 1) &* 0x1_0000_0001)
      value = builder.block(block.name, value)
    }
    builder.network.random = SplitMix64(seed: ~seed)
    builder.network.line("return \(builder.linear(value, width, 3))")
    return builder.network.lines.joined(separator: "\n")
  }

  /// Vectors, or tokens and their embeddings.
  private mutating func start() -> String {
    guard network.random.chance(0.3) else {
      network.line("x: float[1, \(Self.length), 5]")
      return linear("x", 5, Self.width)
    }
    network.line("tokens: int64[1, \(Self.length)]")
    let table = network.weight(11, Self.width)
    let embedded = network.add("Gather", table, "tokens")
    let positions = network.weight(Self.length, Self.width)
    return network.add("Add", embedded, positions)
  }

  private mutating func block(_ name: String, _ x: String) -> String {
    switch name {
    case "attention": attention(x)
    case "joined": joined(x)
    case "gelu": gelu(x)
    case "gated": gated(x)
    case "recurrent": recurrent(x)
    case "norm": norm(x)
    case "conv": conv(x)
    case "einsum": einsum(x)
    case "reshaped": reshaped(x)
    case "experts": experts(x)
    default: feedforward(x)
    }
  }

  // MARK: Parts

  private mutating func linear(_ x: String, _ i: Int, _ o: Int) -> String {
    let weight = network.weight(i, o)
    let y = network.add("MatMul", x, weight)
    let bias = network.vector(o)
    return network.random.chance(0.5) ? network.add("Add", y, bias) : network.add("Add", bias, y)
  }

  private mutating func heads(_ x: String, _ count: Int, _ width: Int) -> String {
    let shape = network.ints([1, Self.length, count, network.random.pick([-1, width])])
    let apart = network.add("Reshape", x, shape)
    return network.add("Transpose", apart, attributes: "perm: [0, 2, 1, 3]")
  }

  private mutating func mix(_ q: String, _ k: String, _ v: String) -> String {
    let turned = network.add("Transpose", k, attributes: "perm: [0, 1, 3, 2]")
    let scores = network.add("MatMul", q, turned)
    let factor = "\(network.fresh("f"))[1]+"
    let scaled = network.add("Mul", scores, factor)
    let shares = network.add("Softmax", scaled, attributes: "axis: -1")
    return network.add("MatMul", shares, v)
  }

  private mutating func merged(_ mixed: String, _ count: Int, _ width: Int) -> String {
    let turned = network.add("Transpose", mixed, attributes: "perm: [0, 2, 1, 3]")
    let shape = network.ints([1, Self.length, network.random.pick([-1, count * width])])
    return network.add("Reshape", turned, shape)
  }

  /// Keys or values of grouped queries, once for every query head.
  private mutating func repeated(_ x: String, _ count: Int, _ times: Int, _ width: Int) -> String {
    let axis = network.ints([2])
    let apart = network.add("Unsqueeze", x, axis)
    let wide = network.ints([1, count, times, Self.length, width])
    let expanded = network.add("Expand", apart, wide)
    let shape = network.ints([1, count * times, Self.length, width])
    return network.add("Reshape", expanded, shape)
  }

  // MARK: Blocks

  /// Multi-head or grouped-query attention with three projections.
  private mutating func attention(_ x: String) -> String {
    let (groups, times) = (network.random.pick([1, 2, 3, 4]), network.random.pick([1, 2, 3]))
    let width = network.random.pick([4, 6])
    let count = groups * times
    let q = heads(linear(x, Self.width, count * width), count, width)
    var keys = heads(linear(x, Self.width, groups * width), groups, width)
    var values = heads(linear(x, Self.width, groups * width), groups, width)
    if times > 1 {
      keys = repeated(keys, groups, times, width)
      values = repeated(values, groups, times, width)
    }
    let mixed = merged(mix(q, keys, values), count, width)
    let y = linear(mixed, count * width, Self.width)
    return network.add("Add", x, y)
  }

  /// Attention whose queries, keys and values come out of one matrix.
  private mutating func joined(_ x: String) -> String {
    let (count, width) = (network.random.pick([2, 3, 4]), network.random.pick([4, 5]))
    let wide = linear(x, Self.width, 3 * count * width)
    var parts: [String] = []
    if network.random.chance(0.5) {
      let shape = network.ints([1, Self.length, 3, count, width])
      let apart = network.add("Reshape", wide, shape)
      let turned = network.add("Transpose", apart, attributes: "perm: [2, 0, 3, 1, 4]")
      for index in 0..<3 {
        let (position, axis) = (network.ints([index]), network.ints([0]))
        let part = network.add("Gather", turned, position, attributes: "axis: 0")
        parts.append(network.add("Squeeze", part, axis))
      }
    } else {
      let split = network.split(wide, [Int](repeating: count * width, count: 3), axis: -1)
      for part in split { parts.append(heads(part, count, width)) }
    }
    let mixed = merged(mix(parts[0], parts[1], parts[2]), count, width)
    let y = linear(mixed, count * width, Self.width)
    return network.add("Add", x, y)
  }

  private mutating func feedforward(_ x: String) -> String {
    let inner = linear(x, Self.width, 20)
    let kind = network.random.pick(["Relu", "Erf", "Tanh"])
    let active = network.add(kind, inner)
    let y = linear(active, 20, Self.width)
    return network.add("Add", x, y)
  }

  /// A perceptron with gelu as five nodes.
  private mutating func gelu(_ x: String) -> String {
    let inner = linear(x, Self.width, 20)
    let root = "\(network.fresh("f"))[1]+"
    let scaled = network.add("Div", inner, root)
    let bent = network.add("Erf", scaled)
    let one = "\(network.fresh("f"))[1]+"
    let shifted = network.add("Add", bent, one)
    let product = network.add("Mul", inner, shifted)
    let half = "\(network.fresh("f"))[1]+"
    let active = network.add("Mul", product, half)
    let y = linear(active, 20, Self.width)
    return network.add("Add", x, y)
  }

  /// SwiGLU, with two matrices or one that is split.
  private mutating func gated(_ x: String) -> String {
    var (gate, up): (String, String)
    if network.random.chance(0.5) {
      gate = linear(x, Self.width, 18)
      up = linear(x, Self.width, 18)
    } else {
      let wide = linear(x, Self.width, 36)
      let parts = network.split(wide, [18, 18], axis: -1)
      (gate, up) = (parts[0], parts[1])
    }
    let bent = network.add("Sigmoid", gate)
    gate = network.add("Mul", gate, bent)
    up = network.add("Mul", gate, up)
    let y = linear(up, 18, Self.width)
    return network.add("Add", x, y)
  }

  private mutating func recurrent(_ x: String) -> String {
    let (kind, gates) = network.random.pick([("LSTM", 4), ("GRU", 3), ("RNN", 1)])
    let (directions, hidden) = (network.random.pick([1, 2]), 5)
    let turned = network.add("Transpose", x, attributes: "perm: [1, 0, 2]")
    let input = network.weight(directions, gates * hidden, Self.width)
    let state = network.weight(directions, gates * hidden, hidden)
    let bias = network.weight(directions, 2 * gates * hidden)
    var attributes = "hidden_size: \(hidden), direction: \"\(directions == 2 ? "bidirectional" : "forward")\""
    if kind == "GRU", network.random.chance(0.5) { attributes += ", linear_before_reset: 1" }
    let y = network.add(kind, turned, input, state, bias, attributes: attributes)
    let back = network.add("Transpose", y, attributes: "perm: [2, 0, 1, 3]")
    let shape = network.ints([1, Self.length, directions * hidden])
    let flat = network.add("Reshape", back, shape)
    return linear(flat, directions * hidden, Self.width)
  }

  /// Layer normalization, or the root mean square one taken apart.
  private mutating func norm(_ x: String) -> String {
    let scale = network.vector(Self.width, isPositive: true)
    if network.random.chance(0.6) {
      let shift = network.vector(Self.width)
      return network.add("LayerNormalization", x, scale, shift, attributes: "axis: -1")
    }
    let square = network.add("Mul", x, x)
    let mean = network.add("ReduceMean", square, attributes: "axes: [-1]")
    let small = "\(network.fresh("f"))[1]+"
    let shifted = network.add("Add", mean, small)
    let root = network.add("Sqrt", shifted)
    let unit = network.add("Div", x, root)
    return network.add("Mul", unit, scale)
  }

  private mutating func conv(_ x: String) -> String {
    let turned = network.add("Transpose", x, attributes: "perm: [0, 2, 1]")
    let (wide, bias) = (network.weight(14, Self.width, 3), network.vector(14))
    let inner = network.add("Conv", turned, wide, bias, attributes: "pads: [1, 1]")
    let active = network.add("Relu", inner)
    let narrow = network.weight(Self.width, 14, 1)
    let y = network.add("Conv", active, narrow)
    return network.add("Transpose", y, attributes: "perm: [0, 2, 1]")
  }

  private mutating func einsum(_ x: String) -> String {
    let up = network.weight(Self.width, 3, 5)
    let wide = network.add("Einsum", x, up, attributes: "equation: \"bse,ehd->bshd\"")
    let active = network.add("Relu", wide)
    let down = network.weight(3, 5, Self.width)
    let y = network.add("Einsum", active, down, attributes: "equation: \"bshd,hde->bse\"")
    return network.add("Add", x, y)
  }

  /// A detour through other ranks.
  private mutating func reshaped(_ x: String) -> String {
    let wide = linear(x, Self.width, 24)
    let shape = network.ints([1, Self.length, 4, 6])
    let apart = network.add("Reshape", wide, shape)
    let axis = network.ints([0])
    let more = network.add("Unsqueeze", apart, axis)
    let other = network.ints([Self.length, 4, 2, 3])
    let turned = network.add("Reshape", more, other)
    let active = network.add("Relu", turned)
    let swapped = network.add("Transpose", active, attributes: "perm: [0, 2, 1, 3]")
    let back = network.add("Transpose", swapped, attributes: "perm: [0, 2, 1, 3]")
    let flat = network.ints([1, Self.length, 24])
    let y = network.add("Reshape", back, flat)
    return linear(y, 24, Self.width)
  }

  /// Every expert runs; a router weighs them.
  private mutating func experts(_ x: String) -> String {
    let scores = linear(x, Self.width, 3)
    let shares = network.add("Softmax", scores, attributes: "axis: -1")
    let first = network.ints([1])
    let wide = network.add("Unsqueeze", x, first)
    let up = network.weight(3, Self.width, 8)
    let inner = network.add("MatMul", wide, up)
    let active = network.add("Relu", inner)
    let down = network.weight(3, 8, Self.width)
    let y = network.add("MatMul", active, down)
    let turned = network.add("Transpose", shares, attributes: "perm: [0, 2, 1]")
    let last = network.ints([3])
    let weights = network.add("Unsqueeze", turned, last)
    let weighted = network.add("Mul", y, weights)
    let axis = network.ints([1])
    return network.add("ReduceSum", weighted, axis, attributes: "keepdims: 0")
  }
}
