import IR
import Kernels

/// `Pow`, whose exponents may be of another type than what they raise.
extension Binary {
  func powerKernel(_ context: KernelContext, _ shape: [Int]) throws(KernelError) -> Kernel {
    let (base, exponent) = (try context.input(0), try context.input(1))
    let broadcast = Broadcast([base.shape, exponent.shape], to: shape)
    let read = try Self.reader(exponent.type)
    guard KernelContext.isReal(base.type) else {
      return Self.integerPower(try KernelContext.integer(base.type), broadcast, read)
    }
    let real = try context.real(0)
    if let map = knownPower(context) { return Self.mapKernel(map, real, context, base.count) }
    if base.type == exponent.type {
      return try Self.kernel(BinaryMap(.power), real, context, operands: 2, shape: shape)
    }
    return Self.mixedPower(real, broadcast, read)
  }

  /// Powers that are cheaper by other means, where the exponent is one known number and does not widen the shape.
  private func knownPower(_ context: KernelContext) -> UnaryMap? {
    guard let exponents = try? context.doubles(1), exponents.count == 1, let base = context.inputs[0],
      let output = context.outputs.first ?? nil, base.shape == output.shape
    else { return nil }
    return switch exponents[0] {
    case 2: UnaryMap(.square)
    case 0.5: UnaryMap(.sqrt)
    case -1: UnaryMap(.reciprocal)
    case 1: UnaryMap(.scale, alpha: 1)
    default: nil
    }
  }

  private static func mapKernel<T: Real>(
    _ map: UnaryMap, _: T.Type, _ context: KernelContext, _ count: Int
  ) -> Kernel {
    Kernel(sharing: context.overwritable([0])) { arguments throws(KernelError) in
      let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
      arguments.workers.forEachRange(of: count, grain: map.grain) { range in
        map(x + range.lowerBound, y + range.lowerBound, count: range.count)
      }
    }
  }

  private typealias Reader = @Sendable (UnsafeRawPointer, Int) -> Double

  private static func reader(_ type: DataType) throws(KernelError) -> Reader {
    if KernelContext.isReal(type) {
      let real = try KernelContext.real(type)
      return realReader(real)
    }
    let integer = try KernelContext.integer(type)
    return integerReader(integer)
  }

  private static func realReader<T: Real>(_: T.Type) -> Reader {
    { Double($0.assumingMemoryBound(to: T.self)[$1]) }
  }

  private static func integerReader<T: IntegerElement>(_: T.Type) -> Reader {
    { Double($0.assumingMemoryBound(to: T.self)[$1]) }
  }

  private static func mixedPower<T: Real>(_: T.Type, _ broadcast: Broadcast, _ read: @escaping Reader) -> Kernel {
    let (strideA, strideB) = (broadcast.rowStrides[0], broadcast.rowStrides[1])
    return Kernel { arguments throws(KernelError) in
      let (a, b, y) = (arguments.input(0, as: T.self), arguments.rawInput(1), arguments.output(0, as: T.self))
      broadcast.forEachRow(.one, grain: .max) { starts, output, count in
        for index in 0..<count {
          let exponent = read(b, starts[1] + index * strideB)
          y[output + index] = T(Power.real(Double(a[starts[0] + index * strideA]), exponent))
        }
      }
    }
  }

  private static func integerPower<T: IntegerElement>(
    _: T.Type, _ broadcast: Broadcast, _ read: @escaping Reader
  ) -> Kernel {
    let (strideA, strideB) = (broadcast.rowStrides[0], broadcast.rowStrides[1])
    return Kernel { arguments throws(KernelError) in
      let (a, b, y) = (arguments.input(0, as: T.self), arguments.rawInput(1), arguments.output(0, as: T.self))
      broadcast.forEachRow(.one, grain: .max) { starts, output, count in
        for index in 0..<count {
          let base = a[starts[0] + index * strideA]
          y[output + index] = Power.integer(base, read(b, starts[1] + index * strideB))
        }
      }
    }
  }
}
