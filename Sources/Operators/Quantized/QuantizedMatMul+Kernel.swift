import IR
import Kernels

extension QuantizedMatMul {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    switch context.node.opType {
    case "MatMulInteger": try integerKernel(context)
    case "QLinearMatMul": try quantizedKernel(context)
    case "MatMulIntegerToFloat": try floatKernel(context)
    default: try dynamicKernel(context)
    }
  }

  private func integerKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (a, b) = (try context.input(0), try context.input(1))
    let (aType, bType) = (a.type, b.type)
    let matrices = try IntegerMatrices(context, a: a.shape, b: b.shape, keepsSums: true)
    try matrices.checkZeros(context, a: (2, aType), b: (3, bType))
    let zeros = (NumberInput(context, 2), NumberInput(context, 3))
    return Kernel(scratchBytes: matrices.layout.byteCount) { arguments throws(KernelError) in
      matrices.widenA(arguments, 0, aType, zeros: zeros.0?.ints(arguments) ?? [0])
      matrices.widenB(arguments, 1, bType, zeros: zeros.1?.ints(arguments) ?? [0])
      _ = matrices.multiply(arguments)
    }
  }

  private func quantizedKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (a, b) = (try context.input(0), try context.input(3))
    let (aType, bType) = (a.type, b.type)
    let matrices = try IntegerMatrices(context, a: a.shape, b: b.shape, keepsSums: false)
    let aScale = try Quantization(context, scale: 1, zeroPoint: 2, type: aType)
    guard let bScales = NumberInput(context, 4), let bZeros = NumberInput(context, 5),
      bScales.count == 1 || bScales.count == matrices.columns
    else { throw .unsupported("scales that are not one number or one for each column") }
    try matrices.checkZeros(context, b: (5, bType))
    let type = try context.output().type
    let yScale = try Quantization(context, scale: 6, zeroPoint: 7, type: type)
    return Kernel(scratchBytes: matrices.layout.byteCount) { arguments throws(KernelError) in
      let (a1, aZero) = aScale.values(arguments)
      let (y1, yZero) = yScale.values(arguments)
      matrices.widenA(arguments, 0, aType, zeros: [aZero])
      matrices.widenB(arguments, 3, bType, zeros: bZeros.ints(arguments))
      let sums = matrices.multiply(arguments)
      let scales = bScales.floats(arguments).map { a1 * $0 / y1 }
      requantize(
        arguments, sums, rows: matrices.resultCount / max(1, matrices.columns), columns: matrices.columns,
        scales: scales, zero: yZero, type: type)
    }
  }

  private func floatKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (a, b) = (try context.input(0), try context.input(1))
    let (aType, bType) = (a.type, b.type)
    let matrices = try IntegerMatrices(context, a: a.shape, b: b.shape, keepsSums: false)
    guard let aScale = NumberInput(context, 2), let bScales = NumberInput(context, 3), aScale.count == 1 else {
      throw .unsupported("a scale for each row")
    }
    try matrices.checkZeros(context, a: (4, aType), b: (5, bType))
    try context.check(3, "scales", counts: [1, matrices.columns])
    try context.check(6, "a bias", counts: [matrices.columns], type: context.output().type)
    let zeros = (NumberInput(context, 4), NumberInput(context, 5))
    let bias = context.has(6) ? 6 : nil
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      Kernel(scratchBytes: matrices.layout.byteCount) { arguments throws(KernelError) in
        matrices.widenA(arguments, 0, aType, zeros: zeros.0?.ints(arguments) ?? [0])
        matrices.widenB(arguments, 1, bType, zeros: zeros.1?.ints(arguments) ?? [0])
        let sums = matrices.multiply(arguments)
        let scale = aScale.floats(arguments)[0]
        let bias: UnsafePointer<T>? = bias.map { arguments.input($0) }
        matrices.scale(sums, bScales.floats(arguments).map { $0 * scale }, bias, arguments.output(0))
      }
    }
    return try make(context.outputReal())
  }

  private func dynamicKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (a, b) = (try context.input(0), try context.input(1))
    let bType = b.type
    let matrices = try IntegerMatrices(context, a: a.shape, b: b.shape, keepsSums: false)
    guard let bScales = NumberInput(context, 2) else { throw .invalid("it has no scale") }
    try matrices.checkZeros(context, b: (3, bType))
    try context.check(2, "scales", counts: [1, matrices.columns])
    try context.check(4, "a bias", counts: [matrices.columns], type: a.type)
    let zeros = NumberInput(context, 3)
    let bias = context.has(4) ? 4 : nil
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      var layout = matrices.layout
      let bytes = layout.reserve(matrices.aCount)
      return Kernel(scratchBytes: layout.byteCount) { arguments throws(KernelError) in
        let x: UnsafePointer<T> = arguments.input(0)
        let (scale, zero) = DynamicRange.quantization(x, matrices.aCount)
        let quantized: UnsafeMutablePointer<UInt8> = bytes.elements(arguments)
        Quantize.quantize(x, matrices.aCount, scale: scale, zero: Int32(zero), quantized)
        Quantize.widen(
          UnsafePointer(quantized), matrices.aCount, zero: Int32(zero), matrices.floatsOfA(arguments))
        matrices.widenB(arguments, 1, bType, zeros: zeros?.ints(arguments) ?? [0])
        let sums = matrices.multiply(arguments)
        let bias: UnsafePointer<T>? = bias.map { arguments.input($0) }
        matrices.scale(sums, bScales.floats(arguments).map { $0 * scale }, bias, arguments.output(0))
      }
    }
    return try make(context.real(0))
  }
}

extension IntegerMatrices {
  /// y = sums·scale + bias, with one scale or one for each column.
  func scale<T: Real>(
    _ sums: UnsafeMutablePointer<Int32>, _ scales: [Float], _ bias: UnsafePointer<T>?, _ y: UnsafeMutablePointer<T>
  ) {
    let all = scales.count == columns ? scales : [Float](repeating: scales[0], count: columns)
    for row in 0..<(columns > 0 ? resultCount / columns : 0) {
      let start = row * columns
      for column in 0..<columns {
        y[start + column] = T(Float(sums[start + column]) * all[column]) + (bias?[column] ?? 0)
      }
    }
  }
}

/// Writes sums into the first output, scaled by one number or one for each column.
func requantize(
  _ arguments: KernelArguments, _ sums: UnsafeMutablePointer<Int32>, rows: Int, columns: Int, scales: [Float],
  zero: Int32, type: DataType
) {
  func write<Q: QuantizedInteger>(_ type: Q.Type) {
    let y: UnsafeMutablePointer<Q> = arguments.output(0)
    let all = scales.count == columns ? scales : [Float](repeating: scales[0], count: columns)
    arguments.workers.forEachRange(of: rows, grain: max(1, 32_768 / max(1, columns))) { range in
      all.withUnsafeBufferPointer { all in
        guard let base = all.baseAddress else { return }
        for row in range {
          Quantize.requantize(
            UnsafePointer(sums + row * columns), columns, scales: base, zero: zero, y + row * columns)
        }
      }
    }
  }
  if type == .int8 { write(Int8.self) } else { write(UInt8.self) }
}
