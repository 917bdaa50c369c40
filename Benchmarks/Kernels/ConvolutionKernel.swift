import Kernels

/// The way the runtime computes a convolution or a gradient of one.
enum ConvolutionKernel {
  case depthwise(DepthwiseConvolution, Direction)
  case winograd(WinogradConvolution, Direction)
  case winogradWeight(WinogradWeightGradient)
  case forward(Convolution)
  case input(ConvolutionInputGradient)
  case weight(ConvolutionWeightGradient)

  init(_ geometry: ConvolutionGeometry, _ direction: Direction) {
    if geometry.isDepthwise {
      self = .depthwise(DepthwiseConvolution(geometry), direction)
      return
    }
    switch direction {
    case .forward:
      self =
        WinogradConvolution(geometry).map { .winograd($0, direction) } ?? .forward(Convolution(geometry))
    case .input:
      self =
        WinogradConvolution(inputGradientOf: geometry).map { .winograd($0, direction) }
        ?? .input(ConvolutionInputGradient(geometry))
    case .weight:
      self =
        WinogradWeightGradient(geometry).map { .winogradWeight($0) } ?? .weight(ConvolutionWeightGradient(geometry))
    }
  }

  var scratchCount: Int {
    switch self {
    case .depthwise(let kernel, _): kernel.scratchCount
    case .winograd(let kernel, _): kernel.scratchCount
    case .winogradWeight(let kernel): kernel.scratchCount
    case .forward(let kernel): kernel.scratchCount
    case .input(let kernel): kernel.scratchCount
    case .weight(let kernel): kernel.scratchCount
    }
  }

  /// Forward convolutions end in ReLU6. For gradients, `output` is the output's gradient.
  func run(
    _ input: Memory, _ weight: Memory, _ output: Memory, _ scratch: Memory, _ product: MatrixProduct,
    _ workers: Workers
  ) {
    let (x, w, y, memory) = (input.floats, weight.floats, output.floats, scratch.floats)
    let relu6 = ConvolutionEpilogue<Float>(activation: .clip(low: 0, high: 6))
    let nothing = ConvolutionEpilogue<Float>()
    switch self {
    case .depthwise(let kernel, .forward): kernel(x, w, y, relu6, scratch: memory, workers)
    case .depthwise(let kernel, .input): kernel.inputGradient(y, w, x, nothing, scratch: memory, workers)
    case .depthwise(let kernel, .weight): kernel.weightGradient(y, x, w, scratch: memory, workers)
    case .winograd(let kernel, .forward): kernel(x, w, y, relu6, scratch: memory, product, workers)
    case .winograd(let kernel, _): kernel(y, w, x, nothing, scratch: memory, product, workers)
    case .winogradWeight(let kernel): kernel(y, x, w, scratch: memory, product, workers)
    case .forward(let kernel): kernel(x, w, y, relu6, scratch: memory, product, workers)
    case .input(let kernel): kernel(y, w, x, nothing, scratch: memory, product, workers)
    case .weight(let kernel): kernel(y, x, w, scratch: memory, product, workers)
    }
  }
}
