import Dimensions
import IR

/// The attributes of operators that slide a window: convolutions and poolings.
struct Window {
  let kernel: [Int]
  let strides: [Int]
  let dilations: [Int]
  /// Before and after each axis.
  let pads: [(before: Int, after: Int)]
  let autoPad: AutoPad

  enum AutoPad: String {
    case notSet = "NOTSET"
    case sameUpper = "SAME_UPPER"
    case sameLower = "SAME_LOWER"
    case valid = "VALID"
  }

  init(_ node: Node, kernel: [Int]) throws(OperatorError) {
    let rank = kernel.count
    self.kernel = kernel
    strides = try Self.list(node, "strides", count: rank, default: 1)
    dilations = try Self.list(node, "dilations", count: rank, default: 1)
    let flat = try Self.list(node, "pads", count: 2 * rank, default: 0)
    pads = (0..<rank).map { (flat[$0], flat[$0 + rank]) }
    let mode = node.string("auto_pad").flatMap { $0.isEmpty ? nil : $0 } ?? AutoPad.notSet.rawValue
    guard let autoPad = AutoPad(rawValue: mode) else {
      throw OperatorError("auto_pad is \(mode), expected NOTSET, SAME_UPPER, SAME_LOWER or VALID")
    }
    self.autoPad = autoPad
    // Numbers this small multiply and add without overflow.
    guard strides.allSatisfy(Self.counts.contains), dilations.allSatisfy(Self.counts.contains),
      kernel.allSatisfy(Self.counts.contains), flat.allSatisfy({ $0.magnitude < 1 << 30 })
    else { throw OperatorError("its kernel, strides, dilations or pads are out of range") }
  }

  private static let counts = 1..<(1 << 30)

  /// A list with an entry for each spatial axis (pads have two).
  static func list(
    _ node: Node, _ name: String, count: Int, default value: Int
  ) throws(OperatorError) -> [Int] {
    guard let given = node.ints(name), !given.isEmpty else { return [Int](repeating: value, count: count) }
    guard given.count == count else { throw OperatorError("\(name) has \(given.count) entries, expected \(count)") }
    return given.map { Int($0) }
  }

  /// Whether windows share positions or skip some: patch embeddings do neither.
  var overlaps: Bool { zip(kernel, strides).contains { $0 > 1 && $0 != $1 } }

  /// Whether the padding is what leaves a position for every stride of the input.
  var isSame: Bool { autoPad == .sameUpper || autoPad == .sameLower }

  /// Padding before and after an axis, where the node says it.
  func padding(_ axis: Int) -> (before: Int, after: Int) { autoPad == .notSet ? pads[axis] : (0, 0) }

  /// The same for sizes at hand, with what `auto_pad` asks for worked out.
  func padding(_ axis: Int, input: Int, output: Int) -> (before: Int, after: Int) {
    isSame ? split(max(0, (output - 1) * strides[axis] + extent(axis) - input)) : padding(axis)
  }

  /// Padding of both ends; an odd position goes behind where `auto_pad` is SAME_UPPER.
  func split(_ total: Int) -> (before: Int, after: Int) {
    let before = autoPad == .sameUpper ? total / 2 : total - total / 2
    return (before, total - before)
  }

  /// Positions one window covers along an axis.
  func extent(_ axis: Int) -> Int { (kernel[axis] - 1) * dilations[axis] + 1 }

  /// Positions the window takes along a spatial axis; `nil` where that cannot be told.
  func outputSize(_ size: Size, axis: Int, roundsUp: Bool = false, symbols: inout SymbolTable) -> Size? {
    let stride = strides[axis]
    if isSame {
      return size.plus(.known(stride - 1)).flatMap { symbols.apply(.floorDivide, $0, .known(stride)) }
    }
    let (before, after) = padding(axis)
    let extent = extent(axis)
    guard let span = size.plus(.known(before + after - extent + (roundsUp ? stride - 1 : 0))),
      let steps = symbols.apply(.floorDivide, span, .known(stride)), let count = steps.plus(.known(1))
    else { return nil }
    // Rounded up, the last window may start in the padding behind the input, and then it is left out. The last window
    // starts at most at size + before + (after − extent + stride − 1).
    guard roundsUp, after + stride > extent else { return count }
    guard let start = steps.times(.known(stride))?.known, let end = size.plus(.known(before))?.known else { return nil }
    return start >= end ? steps : count
  }

  /// The shape a window leaves of `spatial`, which begins at axis `first` of the input.
  func outputSizes(
    _ spatial: some Sequence<Size>, first: Int, roundsUp: Bool = false, _ context: inout ShapeContext
  ) throws(OperatorError) -> [Size] {
    var sizes: [Size] = []
    for (axis, size) in spatial.enumerated() {
      let output = outputSize(size, axis: axis, roundsUp: roundsUp, symbols: &context.symbols)
      // An axis without elements may leave none.
      if let count = output?.known, count < (size.known == 0 ? 0 : 1) {
        throw OperatorError("axis \(axis + first) has \(size.known ?? 0) elements, fewer than its window covers")
      }
      sizes.append(output ?? context.freshSize(axis: axis + first))
    }
    return sizes
  }
}
