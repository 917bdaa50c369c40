import IR

/// A small network of blocks chosen at random, as text of ``GraphText``.
///
/// Every block draws from a source of its own, so that leaving others out, to find out which one matters, changes
/// nothing about those that stay but their widths.
public struct RandomNetwork: Sendable {
  public let seed: UInt64
  /// The numbers of the blocks it is made of, and their names.
  public let blocks: [(number: Int, name: String)]
  public let text: String

  /// - Parameter kept: the numbers of the blocks that stay; all without it.
  public init(seed: UInt64, keeping kept: Set<Int>? = nil) {
    self.seed = seed
    var random = SplitMix64(seed: seed)
    let isImage = random.chance(0.5)
    let count = random.below(4) + 1
    let names = isImage ? ImageBlocks.names : SequenceBlocks.names
    blocks = (0..<count).map { ($0, random.pick(names)) }.filter { kept?.contains($0.0) ?? true }
    text = isImage ? ImageBlocks.text(seed, blocks) : SequenceBlocks.text(seed, blocks)
  }

  public func model() throws -> Model { try GraphText.model(text, scalesWeights: true) }
}

/// Lines of text, and the source all choices come from.
struct NetworkText {
  private(set) var lines: [String] = []
  var random: SplitMix64
  private var count = 0
  /// Vectors other nodes use already, by size and kind: exporters merge equal ones.
  private var shared: [String: [String]] = [:]
  private var undeclared: [(key: String, name: String)] = []

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  mutating func line(_ text: String) {
    lines.append(text)
    // A vector may be shared from the line on that declares it.
    for (key, name) in undeclared where text.contains("\(name)[") { shared[key, default: []].append(name) }
    undeclared.removeAll { text.contains("\($0.name)[") }
  }

  mutating func fresh(_ prefix: String = "v") -> String {
    count += 1
    return "\(prefix)\(count)"
  }

  /// A node with one output.
  mutating func add(_ operation: String, _ inputs: String..., attributes: String = "") -> String {
    let output = fresh()
    line(
      "\(output) = \(operation)(\(inputs.joined(separator: ", ")))" + (attributes.isEmpty ? "" : " { \(attributes) }"))
    return output
  }

  /// A node with several outputs.
  mutating func split(_ input: String, _ sizes: [Int], axis: Int) -> [String] {
    let outputs = sizes.map { _ in fresh() }
    line("\(outputs.joined(separator: ", ")) = Split(\(input), \(ints(sizes))) { axis: \(axis) }")
    return outputs
  }

  /// A constant vector of integers.
  mutating func ints(_ numbers: [Int]) -> String {
    "\(fresh("i"))<\(numbers.map(String.init).joined(separator: ", "))>"
  }

  /// A weight, where some exporter would put it.
  mutating func weight(_ shape: Int...) -> String {
    func spell(_ name: String, _ shape: [Int]) -> String {
      "\(name)[\(shape.map(String.init).joined(separator: ", "))]"
    }
    switch random.below(20) {
    case 0, 1: return "!" + spell(fresh("k"), shape)
    case 2: return add("Identity", spell(fresh("w"), shape))
    case 3 where shape.count == 2:
      return add("Transpose", spell(fresh("w"), shape.reversed()), attributes: "perm: [1, 0]")
    case 4: return add("Reshape", spell(fresh("w"), [shape.reduce(1, *)]), ints(shape))
    default: return spell(fresh("w"), shape)
    }
  }

  /// A bias, scale or the like; sometimes one that other nodes use already.
  mutating func vector(_ size: Int, isPositive: Bool = false) -> String {
    let key = "\(size)\(isPositive)"
    if let names = shared[key], random.chance(0.35) {
      let name = random.pick(names)
      return random.chance(0.3) ? add("Identity", name) : name
    }
    let name = fresh("b")
    let spelled = "\(name)[\(size)]\(isPositive ? "+" : "")"
    if random.chance(0.15) { return "!" + spelled }
    undeclared.append((key, name))
    return spelled
  }
}

/// Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
struct SplitMix64 {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  mutating func chance(_ probability: Double) -> Bool { Double(next() >> 11) * 0x1p-53 < probability }

  mutating func pick<Choice>(_ choices: [Choice]) -> Choice { choices[below(choices.count)] }
}
