import IR
import Kernels

extension ByteWindow {
  /// The window a node slides over `input`, whose spatial axes leave `output`.
  init(_ node: Node, kernel: [Int], input: [Int], output: [Int]) throws(KernelError) {
    let window = try Window.known(node, kernel: kernel)
    self.init(
      kernel: kernel, strides: window.strides, dilations: window.dilations,
      before: window.paddingBefore(input: input, output: output), input: input, output: output)
  }
}
