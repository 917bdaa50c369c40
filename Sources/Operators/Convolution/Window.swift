import Dimensions
import IR

/// The attributes of operators that slide a window: convolutions and poolings.
struct Window {
  let kernel: [Int]
  let strides: [Int]
  let dilations: [Int]
  /// Before and after each axis.
  let pads: [(before: Int, after: Int)]
  let autoPad: String

  init(_ node: Node, kernel: [Int]) throws(OperatorError) {
    let rank = kernel.count
    func list(_ name: String, default value: Int) throws(OperatorError) -> [Int] {
      guard let given = node.ints(name) else { return [Int](repeating: value, count: rank) }
      guard given.count == rank else { throw OperatorError("\(name) has \(given.count) entries, expected \(rank)") }
      return given.map { Int($0) }
    }
    self.kernel = kernel
    strides = try list("strides", default: 1)
    dilations = try list("dilations", default: 1)
    let flat = node.ints("pads")?.map { Int($0) } ?? [Int](repeating: 0, count: 2 * rank)
    guard flat.count == 2 * rank else { throw OperatorError("pads has \(flat.count) entries, expected \(2 * rank)") }
    pads = (0..<rank).map { (flat[$0], flat[$0 + rank]) }
    autoPad = node.string("auto_pad") ?? "NOTSET"
    let all = kernel + strides + dilations + flat
    guard strides.allSatisfy({ $0 > 0 }), dilations.allSatisfy({ $0 > 0 }), kernel.allSatisfy({ $0 > 0 }),
      all.allSatisfy({ $0 > -(1 << 30) && $0 < 1 << 30 })
    else { throw OperatorError("its kernel, strides, dilations or pads are out of range") }
  }

  /// Whether neighbouring windows share positions: patch embeddings do not.
  var overlaps: Bool { zip(kernel, strides).contains { $0 > 1 && $0 != $1 } }

  /// Positions the window takes along a spatial axis.
  func outputSize(_ size: Size, axis: Int, ceil: Bool = false, symbols: inout SymbolTable) -> Size? {
    let extent = (kernel[axis] - 1) * dilations[axis] + 1
    switch autoPad {
    case "SAME_UPPER", "SAME_LOWER":
      return size.plus(.known(strides[axis] - 1)).flatMap { symbols.apply(.floorDivide, $0, .known(strides[axis])) }
    default:
      let padding = autoPad == "VALID" ? 0 : pads[axis].before + pads[axis].after
      let rounding = ceil ? strides[axis] - 1 : 0
      guard let span = size.plus(.known(padding - extent + rounding)),
        let steps = symbols.apply(.floorDivide, span, .known(strides[axis])), var count = steps.plus(.known(1))
      else { return nil }
      // With rounding up, a window that would start in the padding behind the input is left out.
      if ceil, let known = count.known, let input = size.known,
        (known - 1) * strides[axis] >= input + (autoPad == "VALID" ? 0 : pads[axis].before)
      {
        count = .known(known - 1)
      }
      return count
    }
  }
}
