import Kernels

/// A convolution with operands, and what it and its gradients are by their definition, summed in double precision.
struct ConvolutionReference {
  let geometry: ConvolutionGeometry
  let input: [Float]
  let weight: [Float]
  /// The output's gradient, also the residual of the forward pass.
  let gradient: [Float]
  let bias: [Float]

  init(_ geometry: ConvolutionGeometry, _ random: inout RandomNumbers) {
    self.geometry = geometry
    input = random.floats(geometry.batch * geometry.inputChannels * geometry.input.count)
    weight = random.floats(
      geometry.outputChannels * (geometry.inputChannels / geometry.groups) * geometry.kernel.count)
    gradient = random.floats(geometry.batch * geometry.outputChannels * geometry.output.count)
    bias = random.floats(geometry.outputChannels)
  }

  var output: [Double] {
    var sums = [Double](repeating: 0, count: gradient.count)
    forEachProduct { output, input, weight in sums[output] += Double(self.input[input]) * Double(self.weight[weight]) }
    return sums
  }

  var inputGradient: [Double] {
    var sums = [Double](repeating: 0, count: input.count)
    forEachProduct { output, input, weight in sums[input] += Double(gradient[output]) * Double(self.weight[weight]) }
    return sums
  }

  var weightGradient: [Double] {
    var sums = [Double](repeating: 0, count: weight.count)
    forEachProduct { output, input, weight in sums[weight] += Double(gradient[output]) * Double(self.input[input]) }
    return sums
  }

  /// With bias, residual and ReLU6.
  var finished: [Double] {
    let plane = geometry.output.count
    return output.enumerated().map { index, value in
      let sum = value + Double(bias[index / plane % geometry.outputChannels]) + Double(gradient[index])
      return min(max(sum, 0), 6)
    }
  }

  private func forEachProduct(_ body: (_ output: Int, _ input: Int, _ weight: Int) -> Void) {
    let g = geometry
    let (inputs, outputs) = (g.inputChannels / g.groups, g.outputChannels / g.groups)
    for image in 0..<g.batch {
      for channel in 0..<g.outputChannels {
        for source in 0..<inputs {
          let inputPlane = image * g.inputChannels + channel / outputs * inputs + source
          for position in 0..<g.output.count {
            for tap in 0..<g.kernel.count {
              guard let read = readPosition(position, tap) else { continue }
              body(
                (image * g.outputChannels + channel) * g.output.count + position, inputPlane * g.input.count + read,
                (channel * inputs + source) * g.kernel.count + tap)
            }
          }
        }
      }
    }
  }

  private func readPosition(_ position: Int, _ tap: Int) -> Int? {
    let g = geometry
    let y = position / g.output.width * g.strides.height + tap / g.kernel.width * g.dilations.height - g.padding.height
    let x = position % g.output.width * g.strides.width + tap % g.kernel.width * g.dilations.width - g.padding.width
    return (0..<g.input.height).contains(y) && (0..<g.input.width).contains(x) ? y * g.input.width + x : nil
  }
}

/// Numbers that follow from a seed.
struct RandomNumbers {
  private var state: UInt64

  init(seed: Int) { state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

  mutating func below(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(bound))
  }

  mutating func among(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

  mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in Float(below(2001)) / 1000 - 1 } }

  /// A convolution over two axes.
  mutating func geometry(channels: ClosedRange<Int>, groups: Int?, sizes: ClosedRange<Int>) -> ConvolutionGeometry {
    while true {
      let inputs = among(channels)
      let kernel = below(4) == 0 ? [among(1...4), among(1...4)] : [[1, 1], [3, 3], [5, 5]][below(3)]
      let strides = below(4) == 0 ? [among(1...3), among(1...3)] : [[1, 1], [2, 2]][below(2)]
      let dilations = below(5) == 0 ? [2, 1] : [1, 1]
      let size = [among(sizes), among(sizes)]
      let padding = [below(kernel[0] + 1) / 2, below(kernel[1] + 1) / 2]
      let ends = [below(kernel[0] + 1) / 2, below(kernel[1] + 1) / 2]
      var room: [Int] = []
      for axis in 0..<2 {
        let padded: Int = size[axis] + padding[axis] + ends[axis]
        let reach: Int = (kernel[axis] - 1) * dilations[axis] + 1
        room.append(padded - reach)
      }
      let fits = room.allSatisfy { $0 >= 0 }
      let output = [room[0] / strides[0] + 1, room[1] / strides[1] + 1]
      guard fits else { continue }
      return ConvolutionGeometry(
        batch: among(1...3), groups: groups ?? inputs, inputChannels: inputs * (groups ?? 1),
        outputChannels: groups.map { $0 * among(channels) } ?? inputs, input: size, kernel: kernel, output: output,
        strides: strides, dilations: dilations, padding: padding)
    }
  }
}
