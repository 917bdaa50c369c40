/// Columns of an image: for each output position the inputs it reads, so that a convolution becomes a matrix product.
///
/// A row of the matrix is a channel and a position of the kernel, a column an output position.
enum ImageColumns {
  /// Writes rows of `channels` (the first at `columns`) and columns of `positions`. `image` starts at channel 0.
  static func fill<T: Real>(
    _ columns: UnsafeMutablePointer<T>, leading: Int, image: UnsafePointer<T>, _ geometry: ConvolutionGeometry,
    channels: Range<Int>, positions: Range<Int>
  ) {
    let plane = geometry.input.count
    if geometry.isPointwise {
      for channel in channels {
        Runs.copy(
          image + channel * plane + positions.lowerBound, to: columns + (channel - channels.lowerBound) * leading,
          count: positions.count)
      }
      return
    }
    var row = columns
    for channel in channels {
      forEachTap(geometry) { z, y, x in
        fillRow(row, image + channel * plane, geometry, z, y, x, positions)
        row += leading
      }
    }
  }

  /// Adds columns of all output positions to the image they were read from, the reverse of ``fill``.
  static func add<T: Real>(
    _ columns: UnsafePointer<T>, leading: Int, image: UnsafeMutablePointer<T>, _ geometry: ConvolutionGeometry,
    channels: Range<Int>
  ) {
    let plane = geometry.input.count
    var row = columns
    for channel in channels {
      forEachTap(geometry) { z, y, x in
        addRow(row, image + channel * plane, geometry, z, y, x)
        row += leading
      }
    }
  }

  /// Calls `body` with where each position of the kernel reads for output position 0.
  @inline(__always)
  private static func forEachTap(_ geometry: ConvolutionGeometry, _ body: (Int, Int, Int) -> Void) {
    for z in 0..<geometry.kernel.depth {
      for y in 0..<geometry.kernel.height {
        for x in 0..<geometry.kernel.width {
          body(
            z * geometry.dilations.depth - geometry.padding.depth,
            y * geometry.dilations.height - geometry.padding.height,
            x * geometry.dilations.width - geometry.padding.width)
        }
      }
    }
  }

  @inline(__always)
  private static func fillRow<T: Real>(
    _ row: UnsafeMutablePointer<T>, _ plane: UnsafePointer<T>, _ geometry: ConvolutionGeometry, _ z: Int, _ y: Int,
    _ x: Int, _ positions: Range<Int>
  ) {
    let (height, width) = (geometry.output.height, geometry.output.width)
    let stride = geometry.strides.width
    let valid = ConvolutionGeometry.valid(size: geometry.input.width, output: width, stride: stride, offset: x)
    var line = positions.lowerBound / width
    var start = positions.lowerBound - line * width
    var target = row
    var rest = positions.count
    while rest > 0 {
      let end = min(width, start + rest)
      let sourceY = line % height * geometry.strides.height + y
      let sourceZ = line / height * geometry.strides.depth + z
      if sourceY >= 0, sourceY < geometry.input.height, sourceZ >= 0, sourceZ < geometry.input.depth {
        let low = min(max(start, valid.lowerBound), end)
        let high = max(low, min(end, valid.upperBound))
        if low > start { Runs.zero(target, count: low - start) }
        if high > low {
          let source = plane + ((sourceZ * geometry.input.height + sourceY) * geometry.input.width + low * stride + x)
          if stride == 1 {
            Runs.copy(source, to: target + (low - start), count: high - low)
          } else {
            Runs.copy(source, stride: stride, to: target + (low - start), count: high - low)
          }
        }
        if end > high { Runs.zero(target + (high - start), count: end - high) }
      } else {
        Runs.zero(target, count: end - start)
      }
      target += end - start
      rest -= end - start
      line += 1
      start = 0
    }
  }

  @inline(__always)
  private static func addRow<T: Real>(
    _ row: UnsafePointer<T>, _ plane: UnsafeMutablePointer<T>, _ geometry: ConvolutionGeometry, _ z: Int, _ y: Int,
    _ x: Int
  ) {
    let (height, width) = (geometry.output.height, geometry.output.width)
    let stride = geometry.strides.width
    let valid = ConvolutionGeometry.valid(size: geometry.input.width, output: width, stride: stride, offset: x)
    for line in 0..<geometry.output.depth * height {
      let targetY = line % height * geometry.strides.height + y
      let targetZ = line / height * geometry.strides.depth + z
      guard targetY >= 0, targetY < geometry.input.height, targetZ >= 0, targetZ < geometry.input.depth else {
        continue
      }
      let source = row + line * width
      let target = plane + ((targetZ * geometry.input.height + targetY) * geometry.input.width + x)
      for position in valid { target[position * stride] += source[position] }
    }
  }
}
