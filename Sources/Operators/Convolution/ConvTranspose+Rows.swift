import Dimensions
import IR
import Kernels

extension ConvTranspose {
  /// The windows a transposed convolution multiplies its matrix with: what an output position sees of an input channel
  /// is an element for each of the kernel that reaches the position from inside the input, and zero for the others.
  /// - Parameters:
  ///   - weight: the weight's shape.
  ///   - input: the input's shape, channels second.
  public static func windows(of node: Node, weight: [Int], input: [Int]) throws(OperatorError) -> WindowRows {
    let window = try Window(node, kernel: Array(weight.dropFirst(2)))
    let from = Array(input.dropFirst(2))
    guard from.count == window.kernel.count else {
      throw OperatorError("its input has \(from.count) spatial axes, its kernel \(window.kernel.count)")
    }
    let to = try outputSizes(node, from.map { Size.known($0) }, kernel: window.kernel).map { $0?.known ?? 0 }
    let padding = try paddingBefore(node, window, input: from, output: to)
    // Element k of the kernel leads from q to p = stride·q + dilation·k − padding, so that p sees
    // q = (p + padding − dilation·k) / stride by it.
    return WindowRows(
      input: from, output: to, kernel: window.kernel, strides: from.map { _ in 1 },
      dilations: window.dilations.map { -$0 }, padding: padding.map { -$0 }, inputDilations: window.strides)
  }
}
