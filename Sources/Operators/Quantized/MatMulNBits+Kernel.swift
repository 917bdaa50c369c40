import IR
import Kernels

extension MatMulNBits {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    guard let layout = Layout(context.node), !context.has(Input.order),
      context.node.int("weight_prepacked", default: 0) == 0
    else { throw .unsupported("its matrix is packed in a way that is not understood") }
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel { try kernel(context, layout, as: T.self) }
    return try make(context.real(0))
  }

  /// Unpacks some columns at a time, and multiplies by them.
  private func kernel<T: Real>(_ context: KernelContext, _ layout: Layout, as type: T.Type) throws(KernelError)
    -> Kernel
  {
    let bytes = (layout.block * layout.bits + 7) / 8
    try check(context, layout, bytes: bytes)
    let rows = try context.input(0).count / layout.rows
    let product = try context.matrixProduct()
    let hasBias = context.has(Input.bias)
    let points = try zeroPoints(context, layout)
    let grain = max(1, min(layout.columns, 262_144 / max(1, layout.rows)))
    let pieces = (layout.columns + grain - 1) / grain
    var scratch = ScratchLayout()
    let unpacked = scratch.reserve(pieces * grain * layout.rows * MemoryLayout<T>.stride)
    let zeros = scratch.reserve(layout.columns * layout.blocks * MemoryLayout<T>.stride)
    return Kernel(scratchBytes: scratch.byteCount) { arguments throws(KernelError) in
      let zeros: UnsafeMutablePointer<T> = zeros.elements(arguments)
      points.fill(arguments, layout.columns, layout.blocks, zeros)
      let weights: UnsafeMutablePointer<T> = unpacked.elements(arguments)
      let y: UnsafeMutablePointer<T> = arguments.output(0)
      if hasBias {
        Rows.fill(
          y, rows: rows, width: layout.columns, with: arguments.input(Input.bias), workers: arguments.workers)
      }
      arguments.workers.forEachRange(of: layout.columns, grain: grain) { range in
        for column in range {
          FewBits.unpack(
            arguments.input(Input.weight) + column * layout.blocks * bytes, bits: layout.bits, block: layout.block,
            rows: layout.rows, scales: arguments.input(Input.scales) + column * layout.blocks,
            zeros: UnsafePointer(zeros + column * layout.blocks), weights + column * layout.rows)
        }
        product(
          rows: rows, columns: range.count, inner: layout.rows,
          MatrixProduct.Operand(arguments.input(0), leading: layout.rows),
          MatrixProduct.Operand(
            UnsafePointer(weights + range.lowerBound * layout.rows), leading: layout.rows, isTransposed: true),
          beta: hasBias ? 1 : 0, y + range.lowerBound, leading: layout.columns)
      }
    }
  }

  private func check(_ context: KernelContext, _ layout: Layout, bytes: Int) throws(KernelError) {
    let x = try context.input(0)
    guard x.shape.last == layout.rows else { throw .invalid("an input of shape \(x.shape), K is \(layout.rows)") }
    let blocks = layout.columns * layout.blocks
    let (weight, scales) = (try context.input(Input.weight), try context.input(Input.scales))
    guard weight.type == .uint8, weight.count == blocks * bytes else {
      throw .invalid(
        "a matrix of shape \(weight.shape) and type \(weight.type), expected \(blocks * bytes) elements of type uint8")
    }
    guard scales.type == x.type, scales.count == blocks else {
      throw .invalid("scales of shape \(scales.shape) and type \(scales.type) for \(blocks) blocks")
    }
    try context.check(Input.bias, "a bias", counts: [layout.columns], type: x.type)
  }

  private func zeroPoints(_ context: KernelContext, _ layout: Layout) throws(KernelError) -> ZeroPoints {
    guard context.has(Input.zeroPoints) else { return .middle(bits: layout.bits) }
    switch try context.input(Input.zeroPoints).type {
    case .uint8:
      let bytes = layout.columns * ((layout.blocks * layout.bits + 7) / 8)
      try context.check(Input.zeroPoints, "packed zero points", counts: [bytes])
      return .packed(input: Input.zeroPoints, bits: layout.bits)
    case .float, .double:
      let blocks = layout.columns * layout.blocks
      try context.check(Input.zeroPoints, "zero points", counts: [blocks], type: context.input(0).type)
      return .numbers(input: Input.zeroPoints)
    default: throw .unsupported("zero points that are neither bytes nor numbers")
    }
  }
}

/// The zero points of blocks of few bits.
private enum ZeroPoints: Sendable {
  /// Half of what the bits reach.
  case middle(bits: Int)
  case packed(input: Int, bits: Int)
  case numbers(input: Int)

  func fill<T: Real>(_ arguments: KernelArguments, _ columns: Int, _ blocks: Int, _ zeros: UnsafeMutablePointer<T>) {
    switch self {
    case .middle(let bits):
      zeros.update(repeating: T(1 << (bits - 1)), count: columns * blocks)
    case .numbers(let input):
      zeros.update(from: arguments.input(input), count: columns * blocks)
    case .packed(let input, let bits):
      let bytes = (blocks * bits + 7) / 8
      for column in 0..<columns {
        let packed = arguments.input(input, as: UInt8.self) + column * bytes
        for block in 0..<blocks { zeros[column * blocks + block] = T(FewBits.number(packed, block, bits)) }
      }
    }
  }
}
