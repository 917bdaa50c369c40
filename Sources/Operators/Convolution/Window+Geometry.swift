import IR
import Kernels

extension Window {
  /// The window a convolution's node describes, for sizes at hand.
  static func known(_ node: Node, kernel: [Int]) throws(KernelError) -> Window {
    do { return try Window(node, kernel: kernel) } catch { throw .invalid(error.message) }
  }

  /// Padding before each axis, with what `auto_pad` asks for worked out.
  func paddingBefore(input: [Int], output: [Int]) -> [Int] {
    kernel.indices.map { padding($0, input: input[$0], output: output[$0]).before }
  }

  /// The geometry of a convolution of `input` to `output`, both with channels second.
  func geometry(groups: Int, input: [Int], output: [Int], padding: [Int]? = nil) throws(KernelError)
    -> ConvolutionGeometry
  {
    guard kernel.count <= 3 else { throw .unsupported("a convolution over \(kernel.count) axes") }
    let (before, after) = (Array(input[2...]), Array(output[2...]))
    return ConvolutionGeometry(
      batch: input[0], groups: groups, inputChannels: input[1], outputChannels: output[1], input: before,
      kernel: kernel, output: after, strides: strides, dilations: dilations,
      padding: padding ?? paddingBefore(input: before, output: after))
  }
}

extension KernelContext {
  func convolutionGroups() throws(KernelError) -> Int {
    do { return try Conv.group(node) } catch { throw .invalid(error.message) }
  }

  /// The geometry of a convolution whose tensors have these shapes.
  func convolution(input: [Int], weight: [Int], output: [Int]) throws(KernelError) -> ConvolutionGeometry {
    let window = try Window.known(node, kernel: Array(weight[2...]))
    return try window.geometry(groups: try convolutionGroups(), input: input, output: output)
  }
}
