import Kernels

enum Direction: String, CaseIterable {
  case forward
  case input
  case weight
}

/// A convolution of a network, with sizes as it has them there.
struct Layer {
  let name: String
  let geometry: ConvolutionGeometry

  init(
    _ name: String, batch: Int, channels: Int, to outputChannels: Int, size: Int, kernel: Int = 1, stride: Int = 1,
    isDepthwise: Bool = false
  ) {
    self.name = name
    let padding = kernel / 2
    let output = (size + 2 * padding - kernel) / stride + 1
    geometry = ConvolutionGeometry(
      batch: batch, groups: isDepthwise ? channels : 1, inputChannels: channels, outputChannels: outputChannels,
      input: [size, size], kernel: [kernel, kernel], output: [output, output], strides: [stride, stride],
      dilations: [1, 1], padding: [padding, padding])
  }

  static func depthwise(_ name: String, batch: Int, channels: Int, size: Int, stride: Int = 1) -> Layer {
    Layer(
      name, batch: batch, channels: channels, to: channels, size: size, kernel: 3, stride: stride, isDepthwise: true)
  }

  static let all: [Layer] = [
    // ResNet-50, one image.
    Layer("r50 stem 7x7/2", batch: 1, channels: 3, to: 64, size: 224, kernel: 7, stride: 2),
    Layer("r50 1x1 64-256 56", batch: 1, channels: 64, to: 256, size: 56),
    Layer("r50 3x3 64 56", batch: 1, channels: 64, to: 64, size: 56, kernel: 3),
    Layer("r50 3x3/2 128 56", batch: 1, channels: 128, to: 128, size: 56, kernel: 3, stride: 2),
    Layer("r50 1x1/2 256-512 56", batch: 1, channels: 256, to: 512, size: 56, stride: 2),
    Layer("r50 3x3 128 28", batch: 1, channels: 128, to: 128, size: 28, kernel: 3),
    Layer("r50 1x1 512-128 28", batch: 1, channels: 512, to: 128, size: 28),
    Layer("r50 3x3 256 14", batch: 1, channels: 256, to: 256, size: 14, kernel: 3),
    Layer("r50 1x1 256-1024 14", batch: 1, channels: 256, to: 1024, size: 14),
    Layer("r50 1x1 1024-256 14", batch: 1, channels: 1024, to: 256, size: 14),
    Layer("r50 3x3 512 7", batch: 1, channels: 512, to: 512, size: 7, kernel: 3),
    Layer("r50 1x1 2048-512 7", batch: 1, channels: 2048, to: 512, size: 7),
    Layer("r50 1x1 512-2048 7", batch: 1, channels: 512, to: 2048, size: 7),
    // MobileNet v2, one image.
    Layer("mbv2 stem 3x3/2", batch: 1, channels: 3, to: 32, size: 224, kernel: 3, stride: 2),
    .depthwise("mbv2 dw 32 112", batch: 1, channels: 32, size: 112),
    Layer("mbv2 1x1 16-96 112", batch: 1, channels: 16, to: 96, size: 112),
    .depthwise("mbv2 dw/2 96 112", batch: 1, channels: 96, size: 112, stride: 2),
    .depthwise("mbv2 dw 144 56", batch: 1, channels: 144, size: 56),
    Layer("mbv2 1x1 24-144 56", batch: 1, channels: 24, to: 144, size: 56),
    .depthwise("mbv2 dw 384 14", batch: 1, channels: 384, size: 14),
    Layer("mbv2 1x1 384-64 14", batch: 1, channels: 384, to: 64, size: 14),
    .depthwise("mbv2 dw 960 7", batch: 1, channels: 960, size: 7),
    Layer("mbv2 1x1 160-960 7", batch: 1, channels: 160, to: 960, size: 7),
    Layer("mbv2 1x1 32-16 112", batch: 1, channels: 32, to: 16, size: 112),
    Layer("mbv2 1x1 96-24 56", batch: 1, channels: 96, to: 24, size: 56),
    Layer("mbv2 1x1 144-24 56", batch: 1, channels: 144, to: 24, size: 56),
    .depthwise("mbv2 dw/2 144 56", batch: 1, channels: 144, size: 56, stride: 2),
    Layer("mbv2 1x1 32-192 28", batch: 1, channels: 32, to: 192, size: 28),
    .depthwise("mbv2 dw 192 28", batch: 1, channels: 192, size: 28),
    Layer("mbv2 1x1 192-32 28", batch: 1, channels: 192, to: 32, size: 28),
    Layer("mbv2 1x1 64-384 14", batch: 1, channels: 64, to: 384, size: 14),
    Layer("mbv2 1x1 96-576 14", batch: 1, channels: 96, to: 576, size: 14),
    Layer("mbv2 1x1 576-96 14", batch: 1, channels: 576, to: 96, size: 14),
    Layer("mbv2 1x1 576-160 7", batch: 1, channels: 576, to: 160, size: 7),
    Layer("mbv2 1x1 960-160 7", batch: 1, channels: 960, to: 160, size: 7),
    Layer("mbv2 1x1 960-320 7", batch: 1, channels: 960, to: 320, size: 7),
    Layer("mbv2 1x1 320-1280 7", batch: 1, channels: 320, to: 1280, size: 7),
    // Small images in batches, as they are trained.
    Layer("train stem 3x3 3-64 32", batch: 32, channels: 3, to: 64, size: 32, kernel: 3),
    Layer("train 3x3 64 32", batch: 32, channels: 64, to: 64, size: 32, kernel: 3),
    Layer("train 3x3/2 64-128 32", batch: 32, channels: 64, to: 128, size: 32, kernel: 3, stride: 2),
    Layer("train 3x3 256 8", batch: 32, channels: 256, to: 256, size: 8, kernel: 3),
    Layer("train 3x3/2 256-512 8", batch: 32, channels: 256, to: 512, size: 8, kernel: 3, stride: 2),
    Layer("train 3x3 512 4", batch: 32, channels: 512, to: 512, size: 4, kernel: 3),
    Layer("few 3x3 32 14", batch: 64, channels: 32, to: 32, size: 14, kernel: 3),
    Layer("few 3x3 20-16 14", batch: 64, channels: 20, to: 16, size: 14, kernel: 3),
    Layer("few 3x3 48 7", batch: 64, channels: 48, to: 48, size: 7, kernel: 3),
    Layer("few 3x3/2 16-32 28", batch: 64, channels: 16, to: 32, size: 28, kernel: 3, stride: 2),
    Layer("few 1x1/2 16-32 28", batch: 64, channels: 16, to: 32, size: 28, stride: 2),
    Layer("few stem 3x3 1-16 28", batch: 64, channels: 1, to: 16, size: 28, kernel: 3),
    Layer("train 1x1/2 64-128 32", batch: 32, channels: 64, to: 128, size: 32, stride: 2),
    Layer("train 1x1 24-144 32", batch: 32, channels: 24, to: 144, size: 32),
    Layer("train 1x1 144-24 32", batch: 32, channels: 144, to: 24, size: 32),
    Layer("train 1x1 96-576 8", batch: 32, channels: 96, to: 576, size: 8),
    .depthwise("train dw 144 32", batch: 32, channels: 144, size: 32),
    .depthwise("train dw/2 144 32", batch: 32, channels: 144, size: 32, stride: 2),
    .depthwise("train dw 192 16", batch: 32, channels: 192, size: 16),
    .depthwise("train dw 576 8", batch: 32, channels: 576, size: 8),
    .depthwise("train dw/2 576 8", batch: 32, channels: 576, size: 8, stride: 2),
    .depthwise("train dw 960 4", batch: 32, channels: 960, size: 4),
  ]

  var macs: Double {
    let g = geometry
    return Double(g.batch * g.outputChannels * g.output.count) * Double(g.inputChannels / g.groups * g.kernel.count)
  }

  /// Bytes of input, weight and output, each moved once.
  var bytes: Double { Double(4 * (inputCount + weightCount + outputCount)) }

  var inputCount: Int { geometry.batch * geometry.inputChannels * geometry.input.count }
  var outputCount: Int { geometry.batch * geometry.outputChannels * geometry.output.count }
  var weightCount: Int { geometry.outputChannels * geometry.inputChannels / geometry.groups * geometry.kernel.count }

  /// Seconds of the quickest of some runs.
  func measure(_ direction: Direction, _ product: MatrixProduct, _ workers: Workers) -> Double {
    let kernel = ConvolutionKernel(geometry, direction)
    let input = Memory(inputCount)
    let weight = Memory(weightCount)
    let output = Memory(outputCount)
    let scratch = Memory(kernel.scratchCount)
    return quickest { kernel.run(input, weight, output, scratch, product, workers) }
  }
}
