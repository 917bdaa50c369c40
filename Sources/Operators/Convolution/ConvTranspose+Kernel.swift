import Dimensions
import IR
import Kernels

extension ConvTranspose {
  /// The convolution whose gradient towards its input this computes.
  private static func geometry(
    _ context: KernelContext, input: [Int], weight: [Int], output: [Int]
  ) throws(KernelError) -> ConvolutionGeometry {
    let window = try Window.known(context.node, kernel: Array(weight[2...]))
    let padding: [Int]
    do {
      padding = try paddingBefore(context.node, window, input: Array(input[2...]), output: Array(output[2...]))
    } catch {
      throw .invalid(error.message)
    }
    return try window.geometry(
      groups: try context.convolutionGroups(), input: output, output: input, padding: padding)
  }

  /// Padding before each axis: what is said, or half of what is too much where the output's sizes are said.
  static func paddingBefore(
    _ node: Node, _ window: Window, input: [Int], output: [Int]
  ) throws(OperatorError) -> [Int] {
    let extra = try Window.list(node, "output_padding", count: input.count, default: 0)
    let isGiven = node.ints("output_shape").map { !$0.isEmpty } ?? false
    return input.indices.map { axis in
      guard window.isSame || isGiven else { return window.padding(axis).before }
      let full = (input[axis] - 1) * window.strides[axis] + window.extent(axis) + extra[axis]
      return window.split(max(0, full - output[axis])).before
    }
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let geometry = try Self.geometry(
      context, input: try context.input(0).shape, weight: try context.input(1).shape,
      output: try context.output().shape)
    return try ConvInputGradient.make(
      try context.real(0), geometry, bias: context.has(2) ? 2 : nil, try context.matrixProduct())
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient(), let input = context.node.input(0), let weight = context.node.input(1)
    else {
      return
    }
    let attributes = context.node.attributes
    for (position, name, operand) in [
      (0, "ConvTransposeInputGradient", weight), (1, "ConvTransposeWeightGradient", input),
    ] where context.wants(position) {
      let shape = AttributeValue.ints(try context.shape(position).map { Int64($0) })
      context.accumulate(
        context.emit(
          .own(name), gradient, operand, attributes: attributes + [Attribute(name: "shape", value: shape)]),
        to: position)
    }
    if context.wants(2) { context.accumulate(context.emit(.own("ConvBiasGradient"), gradient), to: 2) }
  }

  /// The gradients of ``ConvTranspose`` towards its input and its weight, from the output's gradient and the other of
  /// the two. They have its attributes and their own `shape`.
  public struct Gradient: OwnOperator {
    public let names = [
      OperatorName.own("ConvTransposeInputGradient"), OperatorName.own("ConvTransposeWeightGradient"),
    ]

    public init() {}

    public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
      context.setOutput(type: context.type(0), shape: context.node.ints("shape")?.map { Size.known(Int($0)) })
    }

    public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
      let product = try context.matrixProduct()
      let (gradient, operand, result) = (
        try context.input(0).shape, try context.input(1).shape, try context.output().shape
      )
      let real = try context.real(0)
      if context.node.opType == "ConvTransposeInputGradient" {
        let geometry = try ConvTranspose.geometry(context, input: result, weight: operand, output: gradient)
        return try Conv.make(real, geometry, product)
      }
      let geometry = try ConvTranspose.geometry(context, input: operand, weight: result, output: gradient)
      return try ConvWeightGradient.make(real, geometry, gradient: 1, input: 0, product)
    }
  }
}
