/// Networks over pictures of 6 × 6. Every block takes a value and its channels, and returns a value and its channels.
struct ImageBlocks {
  private var network: NetworkText
  private static let size = 6

  static let names = [
    "plain", "residual", "grouped", "depthwise", "multiplier", "transposed", "split", "dense", "squeeze", "gated",
    "shuffle", "halves", "pooled", "padded", "pixels", "resized", "affine", "last",
  ]

  static func text(_ seed: UInt64, _ blocks: [(number: Int, name: String)]) -> String {
    var builder = ImageBlocks(network: NetworkText(seed: seed))
    builder.network.line("x: float[1, 3, \(size), \(size)]")
    var (value, channels) = (builder.conv("x", 3, 8), 8)
    for block in blocks {
      builder.network.random = SplitMix64(seed: seed &+ UInt64(block.number + 1) &* 0x1_0000_0001)
      (value, channels) = builder.block(block.name, value, channels)
    }
    builder.network.random = SplitMix64(seed: ~seed)
    builder.network.line("return \(builder.head(value, channels))")
    return builder.network.lines.joined(separator: "\n")
  }

  private mutating func block(_ name: String, _ x: String, _ c: Int) -> (String, Int) {
    switch name {
    case "residual": (residual(x, c), c)
    case "grouped": grouped(x, c)
    case "depthwise": (depthwise(x, c), c)
    case "multiplier": (conv(conv(x, c, 2 * c, group: c), 2 * c, 8, kernel: 1), 8)
    case "transposed": transposed(x, c)
    case "split": (split(x, c), 20)
    case "dense": dense(x, c)
    case "squeeze": (squeeze(x, c), c)
    case "gated": (gated(x, c), c)
    case "shuffle": (shuffle(x, c), 16)
    case "halves": (halves(x, c), 16)
    case "pooled": (pooled(x, c), 8)
    case "padded": (padded(x, c), c + 4)
    case "pixels": (pixels(x, c), 8)
    case "resized": (resized(x, c), c)
    case "affine": (affine(x, c), c)
    case "last": (last(x, c), c)
    default: plain(x, c)
    }
  }

  // MARK: Parts

  private mutating func conv(_ x: String, _ i: Int, _ o: Int, kernel: Int = 3, group: Int = 1) -> String {
    let pad = kernel / 2
    let attributes = "group: \(group), pads: [\(pad), \(pad), \(pad), \(pad)]"
    let weight = network.weight(o, i / group, kernel, kernel)
    guard network.random.chance(0.7) else { return network.add("Conv", x, weight, attributes: attributes) }
    let bias = network.vector(o)
    return network.add("Conv", x, weight, bias, attributes: attributes)
  }

  private mutating func norm(_ x: String, _ c: Int) -> String {
    let (scale, shift) = (network.vector(c, isPositive: true), network.vector(c))
    let (mean, variance) = (network.vector(c), network.vector(c, isPositive: true))
    return network.add("BatchNormalization", x, scale, shift, mean, variance)
  }

  private mutating func activation(_ x: String, _ c: Int) -> String {
    let kind = network.random.pick(["Relu", "Sigmoid", "HardSwish", "LeakyRelu", "PRelu", "Clip", "swish", "none"])
    switch kind {
    case "none": return x
    case "swish":
      let gate = network.add("Sigmoid", x)
      return network.add("Mul", x, gate)
    case "PRelu":
      let slope = network.weight(c, 1, 1)
      return network.add("PRelu", x, slope)
    default: return network.add(kind, x)
    }
  }

  // MARK: Blocks

  private mutating func plain(_ x: String, _ c: Int) -> (String, Int) {
    let o = network.random.pick([6, 9, 12])
    return (activation(norm(conv(x, c, o), o), o), o)
  }

  private mutating func residual(_ x: String, _ c: Int) -> String {
    let y = activation(norm(conv(x, c, 12), 12), 12)
    let z = conv(y, 12, c)
    return network.add("Add", x, z)
  }

  private mutating func grouped(_ x: String, _ c: Int) -> (String, Int) {
    let narrow = conv(x, c, 12, kernel: 1)
    let group = network.random.pick([2, 3, 4])
    let wide = activation(conv(narrow, 12, 24, group: group), 24)
    return (conv(wide, 24, 10, kernel: 1), 10)
  }

  private mutating func depthwise(_ x: String, _ c: Int) -> String {
    let wide = activation(norm(conv(x, c, 2 * c, kernel: 1), 2 * c), 2 * c)
    let deep = activation(conv(wide, 2 * c, 2 * c, group: 2 * c), 2 * c)
    return conv(deep, 2 * c, c, kernel: 1)
  }

  private mutating func transposed(_ x: String, _ c: Int) -> (String, Int) {
    if network.random.chance(0.5) {
      let narrow = conv(x, c, 8, kernel: 1)
      let (weight, bias) = (network.weight(8, 3, 3, 3), network.vector(6))
      let y = network.add("ConvTranspose", narrow, weight, bias, attributes: "group: 2, pads: [1, 1, 1, 1]")
      return (y, 6)
    }
    let (weight, bias) = (network.weight(c, 7, 3, 3), network.vector(7))
    return (network.add("ConvTranspose", x, weight, bias, attributes: "pads: [1, 1, 1, 1]"), 7)
  }

  private mutating func split(_ x: String, _ c: Int) -> String {
    let wide = conv(x, c, 20)
    var parts: [String]
    if network.random.chance(0.5) {
      parts = network.split(wide, [8, 12], axis: 1)
    } else {
      parts = [(0, 8), (8, 2_147_483_647)].map { start, end in
        let (from, to, axis) = (network.ints([start]), network.ints([end]), network.ints([1]))
        return network.add("Slice", wide, from, to, axis)
      }
    }
    let active = activation(parts[1], 12)
    return network.add("Concat", active, parts[0], attributes: "axis: 1")
  }

  private mutating func dense(_ x: String, _ c: Int) -> (String, Int) {
    var (value, channels) = (x, c)
    for _ in 0..<2 {
      let new = conv(norm(value, channels), channels, 4)
      value = network.add("Concat", value, new, attributes: "axis: 1")
      channels += 4
    }
    return (value, channels)
  }

  /// Squeeze and excitation, as convolutions or as matrices.
  private mutating func squeeze(_ x: String, _ c: Int) -> String {
    let pooled = network.add("GlobalAveragePool", x)
    var gate: String
    if network.random.chance(0.5) {
      let narrow = conv(pooled, c, 6, kernel: 1)
      let active = network.add("Relu", narrow)
      gate = conv(active, 6, c, kernel: 1)
    } else {
      let flat = network.add("Flatten", pooled)
      let (up, down) = (network.weight(c, 6), network.vector(6))
      let narrow = network.add("Gemm", flat, up, down)
      let active = network.add("Relu", narrow)
      let (weight, bias) = (network.weight(c, 6), network.vector(c))
      gate = network.add("Gemm", active, weight, bias, attributes: "transB: 1")
      for axis in [2, 3] {
        let axes = network.ints([axis])
        gate = network.add("Unsqueeze", gate, axes)
      }
    }
    gate = network.add("Sigmoid", gate)
    return network.add("Mul", x, gate)
  }

  private mutating func gated(_ x: String, _ c: Int) -> String {
    let inner = conv(x, c, 16, kernel: 1)
    let gate = network.add("Sigmoid", inner)
    let value = conv(x, c, 16, kernel: 1)
    let product = network.add("Mul", value, gate)
    return conv(product, 16, c, kernel: 1)
  }

  private mutating func shuffled(_ x: String) -> String {
    let apart = network.ints([1, 2, 8, Self.size, Self.size])
    let y = network.add("Reshape", x, apart)
    let z = network.add("Transpose", y, attributes: "perm: [0, 2, 1, 3, 4]")
    let together = network.ints([1, network.random.pick([-1, 16]), Self.size, Self.size])
    return network.add("Reshape", z, together)
  }

  private mutating func shuffle(_ x: String, _ c: Int) -> String {
    let wide = conv(x, c, 16, kernel: 1)
    let y = shuffled(wide)
    return network.random.chance(0.5) ? conv(y, 16, 16, group: 2) : y
  }

  /// As ShuffleNet: one half passes, the other is worked on, then they are shuffled.
  private mutating func halves(_ x: String, _ c: Int) -> String {
    let wide = conv(x, c, 16, kernel: 1)
    let parts = network.split(wide, [8, 8], axis: 1)
    let worked = activation(conv(parts[1], 8, 8), 8)
    let joined = network.add("Concat", parts[0], worked, attributes: "axis: 1")
    return shuffled(joined)
  }

  private mutating func pooled(_ x: String, _ c: Int) -> String {
    let window = "kernel_shape: [3, 3], pads: [1, 1, 1, 1]"
    let most = network.add("MaxPool", x, attributes: window)
    let mean = network.add("AveragePool", x, attributes: window)
    let joined = network.add("Concat", most, mean, x, attributes: "axis: 1")
    return conv(joined, 3 * c, 8, kernel: 1)
  }

  /// A shortcut that is padded with channels of zero.
  private mutating func padded(_ x: String, _ c: Int) -> String {
    let y = conv(x, c, c + 4)
    let pads = network.ints([0, 2, 0, 0, 0, 2, 0, 0])
    let wide = network.add("Pad", x, pads)
    return network.add("Add", wide, y)
  }

  private mutating func pixels(_ x: String, _ c: Int) -> String {
    let deep = network.add("SpaceToDepth", x, attributes: "blocksize: 2")
    let y = conv(deep, 4 * c, 32, kernel: 1)
    let mode = network.random.pick(["DCR", "CRD"])
    return network.add("DepthToSpace", y, attributes: "blocksize: 2, mode: \"\(mode)\"")
  }

  private mutating func resized(_ x: String, _ c: Int) -> String {
    let small = network.add("AveragePool", x, attributes: "kernel_shape: [2, 2], strides: [2, 2]")
    let y = conv(small, c, c)
    let sizes = network.ints([1, c, Self.size, Self.size])
    let large = network.add("Resize", y, "_", "_", sizes, attributes: "mode: \"nearest\"")
    return network.add("Add", x, large)
  }

  /// Normalization taken apart into arithmetic.
  private mutating func affine(_ x: String, _ c: Int) -> String {
    let mean = network.weight(1, c, 1, 1)
    let centred = network.add("Sub", x, mean)
    let scale = network.weight(c, 1, 1)
    let scaled = network.add("Mul", centred, scale)
    let y = conv(scaled, c, c)
    let shift = network.weight(c, 1, 1)
    return network.add("Add", y, shift)
  }

  /// Channels last, as TensorFlow has it.
  private mutating func last(_ x: String, _ c: Int) -> String {
    let turned = network.add("Transpose", x, attributes: "perm: [0, 2, 3, 1]")
    let up = network.weight(c, 14)
    let wide = network.add("MatMul", turned, up)
    let bias = network.vector(14)
    let shifted = network.add("Add", wide, bias)
    let active = network.add("Relu", shifted)
    let down = network.weight(14, c)
    let narrow = network.add("MatMul", active, down)
    return network.add("Transpose", narrow, attributes: "perm: [0, 3, 1, 2]")
  }

  private mutating func head(_ x: String, _ c: Int) -> String {
    if network.random.chance(0.2) { return conv(x, c, 3, kernel: 1) }
    if network.random.chance(0.3) {
      let shape = network.ints([1, -1])
      let flat = network.add("Reshape", x, shape)
      let (weight, bias) = (network.weight(c * Self.size * Self.size, 5), network.vector(5))
      return network.add("Gemm", flat, weight, bias)
    }
    let pooled = network.add("GlobalAveragePool", x)
    let flat = network.add("Flatten", pooled)
    let (weight, bias) = (network.weight(5, c), network.vector(5))
    return network.add("Gemm", flat, weight, bias, attributes: "transB: 1")
  }
}
