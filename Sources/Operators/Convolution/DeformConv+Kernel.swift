import IR
import Kernels

extension DeformConv {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (x, weight, offsets) = (try context.input(0), try context.input(1), try context.input(2))
    let output = try context.output()
    guard x.rank == 4, weight.rank == 4, output.rank == 4 else {
      throw .unsupported("DeformConv over other than 2 axes")
    }
    let geometry = try context.convolution(input: x.shape, weight: weight.shape, output: output.shape)
    guard weight.shape[1] * geometry.groups == x.shape[1], weight.shape[0] % geometry.groups == 0 else {
      throw .invalid("weights of shape \(weight.shape) do not read \(x.shape[1]) channels")
    }
    let groups = Int(context.node.int("offset_group", default: 1))
    guard groups > 0, x.shape[1] % groups == 0 else {
      throw .invalid("\(groups) offset groups of \(x.shape[1]) channels")
    }
    let bends = groups.multipliedReportingOverflow(by: geometry.kernel.count)
    guard !bends.overflow, bends.partialValue < 1 << 40,
      offsets.shape == [x.shape[0], 2 * bends.partialValue] + output.shape[2...]
    else { throw .invalid("offsets of shape \(offsets.shape) do not bend a window to make \(output.shape)") }
    if context.has(4) {
      let mask = try context.input(4)
      guard mask.shape == [x.shape[0], bends.partialValue] + output.shape[2...], mask.type == x.type else {
        throw .invalid("a mask of shape \(mask.shape) does not fit offsets of shape \(offsets.shape)")
      }
    }
    let bias = context.has(3) ? try context.input(3) : nil
    guard bias?.shape ?? [output.shape[1]] == [output.shape[1]] else { throw .invalid("its bias is not one a channel") }
    guard [offsets.type, weight.type, bias?.type ?? x.type].allSatisfy({ $0 == x.type }) else {
      throw .unsupported("DeformConv of several types")
    }
    let layers = Layers(
      geometry: geometry, columns: DeformedColumns(geometry, offsetGroups: groups), bends: bends.partialValue,
      hasBias: bias != nil, hasMask: context.has(4), product: try context.matrixProduct())
    let real = try context.real(0)
    return layers.kernel(real)
  }

  private struct Layers: Sendable {
    let geometry: ConvolutionGeometry
    let columns: DeformedColumns
    let bends: Int
    let hasBias: Bool
    let hasMask: Bool
    let product: MatrixProduct

    func kernel<T: Real>(_: T.Type) -> Kernel {
      let bytes = columns.rows * columns.tile * MemoryLayout<T>.stride
      return Kernel(scratchBytes: bytes) { arguments throws(KernelError) in
        for sample in 0..<geometry.batch {
          for group in 0..<geometry.groups { run(arguments, sample, group, T.self) }
        }
      }
    }

    private func run<T: Real>(_ arguments: KernelArguments, _ sample: Int, _ group: Int, _: T.Type) {
      let (input, output) = (geometry.input.count, geometry.output.count)
      let channels = geometry.outputChannels / geometry.groups
      let x = arguments.input(0, as: T.self) + sample * geometry.inputChannels * input
      let offsets = arguments.input(2, as: T.self) + sample * 2 * bends * output
      let mask = hasMask ? arguments.input(4, as: T.self) + sample * bends * output : nil
      let weight = arguments.input(1, as: T.self) + group * channels * columns.rows
      let y = arguments.output(0, as: T.self) + (sample * geometry.outputChannels + group * channels) * output
      let scratch = arguments.scratch.assumingMemoryBound(to: T.self)
      let bias = hasBias ? arguments.input(3, as: T.self) : nil
      for channel in 0..<channels {
        (y + channel * output).update(repeating: bias?[group * channels + channel] ?? 0, count: output)
      }
      for start in stride(from: 0, to: output, by: columns.tile) {
        let positions = start..<min(start + columns.tile, output)
        columns.fill(
          x, offsets: offsets, mask: mask, group: group, positions: positions, scratch, arguments.workers)
        product(
          rows: channels, columns: positions.count, inner: columns.rows, .init(weight, leading: columns.rows),
          .init(UnsafePointer(scratch), leading: positions.count), beta: 1, y + start, leading: output,
          workers: arguments.workers)
      }
    }
  }
}
