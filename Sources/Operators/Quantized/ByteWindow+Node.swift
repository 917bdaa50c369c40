import IR
import Kernels

extension ByteWindow {
  /// The window a node slides over `input`, whose spatial axes leave `output`.
  init(_ node: Node, kernel: [Int], input: [Int], output: [Int]) throws(KernelError) {
    let window: Window
    do { window = try Window(node, kernel: kernel) } catch { throw .invalid(error.message) }
    let before = input.indices.map { axis in
      guard window.autoPad == .sameUpper || window.autoPad == .sameLower else { return window.padding(axis).before }
      let total = max(0, (output[axis] - 1) * window.strides[axis] + window.extent(axis) - input[axis])
      return window.autoPad == .sameUpper ? total / 2 : total - total / 2
    }
    self.init(
      kernel: kernel, strides: window.strides, dilations: window.dilations, before: before, input: input,
      output: output)
  }
}
