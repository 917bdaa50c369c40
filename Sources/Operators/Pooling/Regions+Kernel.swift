import IR
import Kernels

extension RegionPool {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (x, y) = (try context.input(0).shape, try context.output().shape)
    guard x.count == 4, y.count == 4 else { throw .invalid("regions of a tensor of \(x.count) axes") }
    let layout = RegionPooling.Layout(
      channels: x[1], height: x[2], width: x[3], regions: y[0], pooledHeight: y[2], pooledWidth: y[3],
      scale: context.node.decimal("spatial_scale", default: 1))
    let isMaximum = context.node.opType == "MaxRoiPool"
    let regions = try context.input(1)
    guard regions.shape == [y[0], isMaximum ? 5 : 4], regions.type == (try context.input(0).type) else {
      throw .invalid("regions of shape \(regions.shape)")
    }
    return isMaximum
      ? try maximum(context.real(0), layout, batch: x[0]) : try align(context.real(0), context, layout, batch: x[0])
  }

  private func align<T: Real>(
    _: T.Type, _ context: KernelContext, _ layout: RegionPooling.Layout, batch: Int
  ) throws(KernelError) -> Kernel {
    let images = try context.input(2)
    guard images.type == .int64, images.count == layout.regions else { throw .invalid("\(images.count) batch indices") }
    // Operator set 16 brought the choice of coordinates, and made centers of pixels the usual one.
    let usual = context.opset >= 16 ? "half_pixel" : "output_half_pixel"
    let ratio = context.node.int("sampling_ratio", default: 0)
    guard (0..<4096).contains(ratio) else { throw .invalid("a sampling ratio of \(ratio)") }
    let sampling = RegionPooling.Sampling(
      takesMaximum: context.node.string("mode") == "max", ratio: Int(ratio),
      isHalfPixel: (context.node.string("coordinate_transformation_mode") ?? usual) == "half_pixel")
    return Kernel { arguments throws(KernelError) in
      let images = arguments.input(2, as: Int64.self)
      for region in 0..<layout.regions where images[region] < 0 || images[region] >= batch {
        throw .invalid("region \(region) is in image \(images[region]) of \(batch)")
      }
      RegionPooling.align(
        arguments.input(0, as: T.self), regions: arguments.input(1), images: images, arguments.output(0), sampling,
        layout, workers: arguments.workers)
    }
  }

  private func maximum<T: Real>(
    _: T.Type, _ layout: RegionPooling.Layout, batch: Int
  ) throws(KernelError) -> Kernel {
    Kernel { arguments throws(KernelError) in
      let regions = arguments.input(1, as: T.self)
      for region in 0..<layout.regions where !(regions[5 * region] >= 0 && regions[5 * region] < T(batch)) {
        throw .invalid("region \(region) is in image \(regions[5 * region]) of \(batch)")
      }
      RegionPooling.maximum(
        arguments.input(0, as: T.self), regions: regions, arguments.output(0), layout, workers: arguments.workers)
    }
  }
}

extension GridSample {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let (x, grid) = (try context.input(0), try context.input(1))
    guard x.rank == 4 || x.rank == 5, grid.rank == x.rank, grid.shape.last == x.rank - 2, grid.shape[0] == x.shape[0],
      grid.type == x.type
    else { throw .unsupported("a grid of shape \(grid.shape) over a map of shape \(x.shape)") }
    let layout = GridSampling.Layout(
      batch: x.shape[0], channels: x.shape[1], sizes: x.rank == 4 ? [1] + x.shape[2...] : Array(x.shape[2...]),
      places: grid.shape[1..<(grid.rank - 1)].reduce(1, *), coordinates: x.rank - 2,
      interpolation: try interpolation(context.node), padding: try padding(context.node),
      alignsCorners: context.node.int("align_corners", default: 0) != 0)
    guard layout.sizes.allSatisfy({ $0 > 0 }) else { throw .invalid("samples of an empty map") }
    return Kernel { arguments in
      GridSampling.apply(
        arguments.input(0, as: T.self), grid: arguments.input(1), arguments.output(0), layout,
        workers: arguments.workers)
    }
  }

  /// Operator set 20 renamed the modes.
  private func interpolation(_ node: Node) throws(KernelError) -> GridSampling.Interpolation {
    switch node.string("mode") ?? "linear" {
    case "linear", "bilinear": .linear
    case "nearest": .nearest
    case "cubic", "bicubic": .cubic
    case let other: throw .invalid("mode \(other)")
    }
  }

  private func padding(_ node: Node) throws(KernelError) -> GridSampling.Padding {
    switch node.string("padding_mode") ?? "zeros" {
    case "zeros": .zeros
    case "border": .border
    case "reflection": .reflection
    case let other: throw .invalid("padding_mode \(other)")
    }
  }
}
