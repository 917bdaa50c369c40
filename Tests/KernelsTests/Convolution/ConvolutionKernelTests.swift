import Kernels
import Testing

/// Convolutions and their gradients against the sums they are defined by, over geometries chosen at random.
@Suite struct ConvolutionKernelTests {
  private let workers = Workers(count: 2)

  @Test(arguments: 0..<60, [false, true]) func depthwise(seed: Int, isWide: Bool) {
    var random = RandomNumbers(seed: seed)
    let geometry = random.geometry(channels: 2...7, groups: nil, sizes: 1...37)
    let reference = ConvolutionReference(geometry, &random)
    let kernel = DepthwiseConvolution(geometry, isWide: isWide)
    check(reference, scratch: kernel.scratchCount) { way, result, scratch in
      switch way {
      case .plain: kernel(reference.input, reference.weight, result, .init(), scratch: scratch, workers)
      case .finished(let epilogue):
        kernel(reference.input, reference.weight, result, epilogue, scratch: scratch, workers)
      case .input:
        kernel.inputGradient(reference.gradient, reference.weight, result, .init(), scratch: scratch, workers)
      case .weight: kernel.weightGradient(reference.gradient, reference.input, result, scratch: scratch, workers)
      }
    }
  }

  @Test(arguments: 0..<60, [false, true]) func tiled(seed: Int, isWide: Bool) throws {
    var random = RandomNumbers(seed: 1000 + seed)
    let geometry = random.geometry(channels: 1...5, groups: 1 + seed % 2, sizes: 1...19)
    try check(tiles: geometry, isWide: isWide, &random)
  }

  /// Sums over so many channels are made in parts, and all widths are what is left at the end of a line.
  @Test(arguments: 0..<36, [false, true]) func pointwise(seed: Int, isWide: Bool) throws {
    var random = RandomNumbers(seed: 3000 + seed)
    let size = [random.among(1...2), seed + 1]
    let geometry = ConvolutionGeometry(
      batch: 1 + seed % 2, groups: 1, inputChannels: random.among(380...900), outputChannels: random.among(1...9),
      input: size, kernel: [1, 1], output: size, strides: [1, 1], dilations: [1, 1], padding: [0, 0])
    try check(tiles: geometry, isWide: isWide, &random)
  }

  private func check(tiles geometry: ConvolutionGeometry, isWide: Bool, _ random: inout RandomNumbers) throws {
    let reference = ConvolutionReference(geometry, &random)
    let product = MatrixProduct(try BLAS.shared())
    let forward = Convolution(geometry, isWide: isWide)
    let input = ConvolutionInputGradient(geometry)
    let weight = ConvolutionWeightGradient(geometry)
    let scratch = max(forward.scratchCount, input.scratchCount, weight.scratchCount)
    check(reference, scratch: scratch) { way, result, scratch in
      switch way {
      case .plain:
        forward(reference.input, reference.weight, result, .init(), scratch: scratch, product, workers)
      case .finished(let epilogue):
        forward(reference.input, reference.weight, result, epilogue, scratch: scratch, product, workers)
      case .input:
        input(reference.gradient, reference.weight, result, .init(), scratch: scratch, product, workers)
      case .weight: weight(reference.gradient, reference.input, result, scratch: scratch, product, workers)
      }
    }
  }

  @Test(arguments: 0..<6) func winograd(seed: Int) throws {
    var random = RandomNumbers(seed: 2000 + seed)
    let size = [random.among(15...19), random.among(23...45)]
    let padding = [random.below(3), random.below(3)]
    let geometry = ConvolutionGeometry(
      batch: 2, groups: 1, inputChannels: random.among(16...19),
      outputChannels: random.among(16...19), input: size, kernel: [3, 3],
      output: [size[0] + 2 * padding[0] - 2, size[1] + 2 * padding[1] - 2], strides: [1, 1], dilations: [1, 1],
      padding: padding)
    let reference = ConvolutionReference(geometry, &random)
    let product = MatrixProduct(try BLAS.shared())
    let forward = try #require(WinogradConvolution(geometry))
    let input = try #require(WinogradConvolution(inputGradientOf: geometry))
    let weight = try #require(WinogradWeightGradient(geometry))
    let scratch = max(forward.scratchCount, input.scratchCount, weight.scratchCount)
    check(reference, scratch: scratch, tolerance: 4e-5) { way, result, scratch in
      switch way {
      case .plain:
        forward(reference.input, reference.weight, result, .init(), scratch: scratch, product, workers)
      case .finished(let epilogue):
        forward(reference.input, reference.weight, result, epilogue, scratch: scratch, product, workers)
      case .input:
        input(reference.gradient, reference.weight, result, .init(), scratch: scratch, product, workers)
      case .weight: weight(reference.gradient, reference.input, result, scratch: scratch, product, workers)
      }
    }
  }

  private enum Way {
    case plain
    case finished(ConvolutionEpilogue<Float>)
    case input
    case weight
  }

  /// Runs all ways on memory that held nonsense, with nonsense around the result that must stay.
  private func check(
    _ reference: ConvolutionReference, scratch count: Int, tolerance: Double = 1e-5,
    _ run: (Way, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) {
    let guards = 64
    func compare(_ way: Way, _ expected: [Double]) {
      var result = [Float](repeating: 12_345, count: expected.count + 2 * guards)
      var scratch = [Float](repeating: .nan, count: count)
      result.withUnsafeMutableBufferPointer { result in
        scratch.withUnsafeMutableBufferPointer { scratch in
          guard let result = result.baseAddress, let scratch = scratch.baseAddress else { return }
          run(way, result + guards, scratch)
        }
      }
      let scale = expected.map(abs).max() ?? 0
      let worst = zip(result.dropFirst(guards), expected).map { abs(Double($0) - $1) }.max() ?? 0
      #expect(worst <= tolerance * (scale + 1), "\(way) of \(reference.geometry)")
      #expect(
        (result.prefix(guards) + result.suffix(guards)).allSatisfy { $0 == 12_345 }, "\(way) of \(reference.geometry)")
    }
    compare(.plain, reference.output)
    compare(.input, reference.inputGradient)
    compare(.weight, reference.weightGradient)
    reference.bias.withUnsafeBufferPointer { bias in
      reference.gradient.withUnsafeBufferPointer { residual in
        compare(
          .finished(
            .init(bias: bias.baseAddress, residual: residual.baseAddress, activation: .clip(low: 0, high: 6))),
          reference.finished)
      }
    }
  }
}
