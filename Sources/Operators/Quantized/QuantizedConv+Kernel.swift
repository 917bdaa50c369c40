import IR
import Kernels

extension QuantizedConv {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let plan = try ConvPlan(context)
    if context.node.opType == "ConvInteger" {
      try context.check(2, "a zero point", counts: [1], type: plan.xType)
      try context.check(3, "a zero point", counts: [1, plan.filters], type: plan.weight.type)
      let zeros = (NumberInput(context, 2), NumberInput(context, 3))
      return Kernel(scratchBytes: plan.layout.byteCount) { arguments throws(KernelError) in
        plan.run(
          arguments, xZero: zeros.0?.ints(arguments).first ?? 0, weightZeros: zeros.1?.ints(arguments) ?? [0],
          finish: plan.keep)
      }
    }
    let xScale = try Quantization(context, scale: 1, zeroPoint: 2, type: plan.xType)
    let yScale = try Quantization(context, scale: 6, zeroPoint: 7, type: context.output().type)
    guard let weightScales = NumberInput(context, 4), let weightZeros = NumberInput(context, 5) else {
      throw .invalid("its weight has no scale or zero point")
    }
    try context.check(4, "scales", counts: [1, plan.filters])
    try context.check(5, "zero points", counts: [1, plan.filters], type: plan.weight.type)
    try context.check(8, "a bias", counts: [plan.filters], type: .int32)
    let bias = NumberInput(context, 8)
    let type = try context.output().type
    return Kernel(scratchBytes: plan.layout.byteCount) { arguments throws(KernelError) in
      let (x1, xZero) = xScale.values(arguments)
      let (y1, yZero) = yScale.values(arguments)
      let scales = weightScales.floats(arguments).map { x1 * $0 / y1 }
      let bias = bias?.ints(arguments)
      plan.run(arguments, xZero: xZero, weightZeros: weightZeros.ints(arguments)) { arguments, place, sums in
        if type == .int8 {
          plan.requantize(arguments, place, sums, scales, bias, yZero, as: Int8.self)
        } else {
          plan.requantize(arguments, place, sums, scales, bias, yZero, as: UInt8.self)
        }
      }
    }
  }
}

/// A convolution of bytes as products with the columns under its window.
private struct ConvPlan: Sendable {
  let isLast: Bool
  let (batch, channels, groups, filters): (Int, Int, Int, Int)
  let window: ByteWindow
  let weight: (input: Int, type: DataType)
  let xType: DataType
  let product: IntegerProduct
  private(set) var layout = ScratchLayout()
  private let (weights, columns, scratch, sums): (TensorPlace, TensorPlace, TensorPlace, TensorPlace)

  init(_ context: KernelContext) throws(KernelError) {
    let input = context.node.opType == "ConvInteger" ? 1 : 3
    isLast = context.node.int("channels_last", default: 0) != 0
    let (x, w, y) = (try context.input(0), try context.input(input), try context.output())
    for type in [x.type, w.type] { _ = try KernelContext.byte(type) }
    let first = isLast ? 1 : 2
    let rank = x.rank - 2
    guard rank > 0, w.rank == x.rank else { throw .invalid("operands of \(x.rank) and \(w.rank) axes") }
    window = try ByteWindow(
      context.node, kernel: Array(w.shape[2...]), input: Array(x.shape[first..<(first + rank)]),
      output: Array(y.shape[first..<(first + rank)]))
    (batch, channels) = (x.shape[0], isLast ? x.shape[x.rank - 1] : x.shape[1])
    groups = Int(context.node.int("group", default: 1))
    filters = w.shape[0]
    guard groups > 0, channels % groups == 0, channels / groups == w.shape[1], filters % groups == 0 else {
      throw .invalid("\(channels) channels in \(groups) groups for a weight of \(w.shape[1])")
    }
    (weight, xType) = ((input, w.type), x.type)
    product = IntegerProduct(try context.matrixProduct())
    let (rows, inner) = (filters / groups, channels / groups * window.taps)
    weights = layout.reserve(filters * inner * 4)
    columns = layout.reserve(inner * window.positions * 4)
    scratch = layout.reserve(rows * window.positions * 4)
    sums = layout.reserve(rows * window.positions * 4)
  }

  /// The filters of one sample that were computed.
  struct Place {
    let sample: Int
    let filters: Range<Int>
  }

  func run(
    _ arguments: KernelArguments, xZero: Int32, weightZeros: [Int32],
    finish: (KernelArguments, Place, UnsafeMutablePointer<Int32>) -> Void
  ) {
    let (rows, inner) = (filters / groups, channels / groups * window.taps)
    widenWeights(arguments, weightZeros, inner: inner)
    let weights: UnsafeMutablePointer<Float> = weights.elements(arguments)
    let columns: UnsafeMutablePointer<Float> = columns.elements(arguments)
    for sample in 0..<batch {
      for group in 0..<groups {
        gather(arguments, sample: sample, group: group, xZero, columns)
        product(
          rows: rows, columns: window.positions, inner: inner,
          MatrixProduct.Operand(UnsafePointer(weights + group * rows * inner), leading: inner),
          MatrixProduct.Operand(UnsafePointer(columns), leading: window.positions),
          sums: sums.elements(arguments), scratch: scratch.elements(arguments), workers: arguments.workers)
        finish(
          arguments, Place(sample: sample, filters: (group * rows)..<((group + 1) * rows)), sums.elements(arguments))
      }
    }
  }

  private func widenWeights(_ arguments: KernelArguments, _ zeros: [Int32], inner: Int) {
    let floats: UnsafeMutablePointer<Float> = weights.elements(arguments)
    for filter in 0..<filters {
      let zero = zeros.count == 1 ? zeros[0] : zeros[filter % zeros.count]
      if weight.type == .int8 {
        let w = arguments.input(weight.input, as: Int8.self)
        Quantize.widen(w + filter * inner, inner, zero: zero, floats + filter * inner)
      } else {
        let w = arguments.input(weight.input, as: UInt8.self)
        Quantize.widen(w + filter * inner, inner, zero: zero, floats + filter * inner)
      }
    }
  }

  private func gather(
    _ arguments: KernelArguments, sample: Int, group: Int, _ zero: Int32, _ columns: UnsafeMutablePointer<Float>
  ) {
    let pixels = window.input.reduce(1, *)
    let own = channels / groups
    let start = sample * channels * pixels + group * own * (isLast ? 1 : pixels)
    func gather<Q: QuantizedInteger>(_ x: UnsafePointer<Q>) {
      ByteColumns.gather(
        x + start, channels: own, channelStride: isLast ? 1 : pixels, pixelStride: isLast ? channels : 1,
        window: window, zero: zero, columns, workers: arguments.workers)
    }
    if xType == .int8 {
      gather(arguments.input(0, as: Int8.self))
    } else {
      gather(arguments.input(0, as: UInt8.self))
    }
  }

  /// Where a filter's positions go in the output, and how far apart.
  private func target(_ place: Place, _ filter: Int) -> (start: Int, stride: Int) {
    let start = place.sample * filters * window.positions
    return isLast ? (start + filter, filters) : (start + filter * window.positions, 1)
  }

  func keep(_ arguments: KernelArguments, _ place: Place, _ sums: UnsafeMutablePointer<Int32>) {
    let y: UnsafeMutablePointer<Int32> = arguments.output(0)
    for filter in place.filters {
      let row = sums + (filter - place.filters.lowerBound) * window.positions
      let (start, stride) = target(place, filter)
      for position in 0..<window.positions { y[start + position * stride] = row[position] }
    }
  }

  func requantize<Q: QuantizedInteger>(
    _ arguments: KernelArguments, _ place: Place, _ sums: UnsafeMutablePointer<Int32>, _ scales: [Float],
    _ bias: [Int32]?, _ zero: Int32, as type: Q.Type
  ) {
    let y: UnsafeMutablePointer<Q> = arguments.output(0)
    let positions = window.positions
    arguments.workers.forEachRange(of: place.filters.count, grain: max(1, 32_768 / max(1, positions))) { range in
      for index in range {
        let filter = place.filters.lowerBound + index
        let row = sums + index * positions
        if let bias { for position in 0..<positions { row[position] &+= bias[filter] } }
        let (start, stride) = target(place, filter)
        Quantize.requantize(
          UnsafePointer(row), positions, scale: scales.count == 1 ? scales[0] : scales[filter], zero: zero,
          y + start, stride: stride)
      }
    }
  }
}
