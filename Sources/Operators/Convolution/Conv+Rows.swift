import Dimensions
import IR
import Kernels

extension Conv {
  /// The windows a convolution multiplies its matrix with.
  /// - Parameters:
  ///   - weight: the weight's shape.
  ///   - input: the input's shape, channels second.
  public static func windows(of node: Node, weight: [Int], input: [Int]) throws(OperatorError) -> WindowRows {
    let window = try Window(node, kernel: Array(weight.dropFirst(2)))
    let from = Array(input.dropFirst(2))
    guard from.count == window.kernel.count else {
      throw OperatorError("its input has \(from.count) spatial axes, its kernel \(window.kernel.count)")
    }
    var symbols = SymbolTable()
    let to = from.enumerated().map { axis, size in
      max(0, window.outputSize(.known(size), axis: axis, symbols: &symbols)?.known ?? 0)
    }
    return WindowRows(
      input: from, output: to, kernel: window.kernel, strides: window.strides, dilations: window.dilations,
      padding: window.paddingBefore(input: from, output: to), inputDilations: from.map { _ in 1 })
  }
}
