/// The loops over one plane. `kernel` and `stride` are numbers where these are called, so that loops over them are
/// unrolled.
extension DepthwisePlanes.Lane {
  typealias Vector = DepthwisePlanes.Vector

  /// What the kernel's columns read of a line for eight columns of the output.
  @inline(__always)
  private func read(
    stride: Int, _ line: UnsafePointer<Float>, _ column: Int, _ tap: Int, _ mask: DepthwisePlanes.Mask
  ) -> Vector {
    let first = line + (column &* stride &- padding.width)
    guard stride == 2 else { return Self.masked(Runs.load(first + tap, Vector.self), mask) }
    let both = Runs.load(first + tap / 2 * 2, SIMD16<Float>.self)
    return Self.masked(tap % 2 == 0 ? both.evenHalf : both.oddHalf, mask)
  }

  /// target[y, x] ← start + Σ weights[i, j] · plane[y · stride + i − padding, x · stride + j − padding], cut to the
  /// range from `low` to `high`.
  @inline(__always)
  func slide(
    kernel: Int, stride: Int, _ plane: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ start: Float,
    _ target: UnsafeMutablePointer<Float>, low: Float, high: Float
  ) {
    let (lows, highs) = (Vector(repeating: low), Vector(repeating: high))
    let width = output.width
    for y in 0..<output.height {
      let top = y &* stride &- padding.height
      var (column, mask) = (0, masks)
      while column < width {
        var sum = Vector(repeating: start)
        for row in 0..<kernel {
          let line = self.line(plane, top &+ row, input)
          for tap in 0..<kernel {
            sum += read(stride: stride, line, column, tap, mask[tap]) * weights[row &* kernel &+ tap]
          }
        }
        // Comparisons that keep NaN.
        sum = sum.replacing(with: lows, where: sum .< lows)
        sum = sum.replacing(with: highs, where: sum .> highs)
        Self.store(sum, target, y &* width &+ column, of: output.count)
        column &+= 8
        mask += kernel
      }
    }
  }

  /// target[y · 2 + i − padding, x · 2 + j − padding] ← Σ weights[i, j] · plane[y, x]
  @inline(__always)
  func spread(
    kernel: Int, _ plane: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>
  ) {
    let isSwapped = padding.width % 2 == 1
    for y in 0..<input.height {
      let first = (y + padding.height) % 2
      var (pair, mask) = (0, pairMasks)
      while 2 * pair < input.width {
        // Columns read by even and by odd columns of the kernel.
        var (even, odd) = (Vector(), Vector())
        for index in 0..<(kernel + 1) / 2 {
          let row = first + 2 * index
          guard row < kernel else { continue }
          let line = self.line(plane, (y + padding.height - row) / 2, output) + pair
          for tap in 0..<kernel {
            let parity = (padding.width + tap) % 2
            let source = Runs.load(line + (parity + padding.width - tap) / 2, Vector.self)
            let product = Self.masked(source, mask[tap]) * weights[row * kernel + tap]
            if tap % 2 == 0 { even += product } else { odd += product }
          }
        }
        write(isSwapped ? odd : even, isSwapped ? even : odd, target, y * input.width + 2 * pair)
        pair += 8
        mask += kernel
      }
    }
  }

  @inline(__always)
  private func write(_ first: Vector, _ second: Vector, _ target: UnsafeMutablePointer<Float>, _ offset: Int) {
    var both = SIMD16<Float>()
    both.evenHalf = first
    both.oddHalf = second
    if offset + 16 <= input.count {
      Runs.store(both, target + offset)
    } else {
      for lane in 0..<min(16, input.count - offset) { target[offset + lane] = both[lane] }
    }
  }

  /// sums[i, j] ← sums[i, j] + Σ gradient[y, x] · plane[y · stride + i − padding, x · stride + j − padding]
  @inline(__always)
  func correlate(
    kernel: Int, stride: Int, _ plane: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<kernel {
      // Two chains of sums for each column of the kernel, taken by lines in turn.
      var (a, b, c, d, e) = (Vector(), Vector(), Vector(), Vector(), Vector())
      var (f, g, h, i, j) = (Vector(), Vector(), Vector(), Vector(), Vector())
      let lines = ConvolutionGeometry.valid(
        size: input.height, output: output.height, stride: stride, offset: row - padding.height)
      for y in lines {
        let line = plane + (y * stride + row - padding.height) * input.width
        let weights = gradient + y * output.width
        var (column, mask) = (0, masks)
        while column < output.width {
          var weight = Runs.load(weights + column, Vector.self)
          if column + 8 > output.width { weight = Self.masked(weight, lastColumns) }
          a += read(stride: stride, line, column, 0, mask[0]) * weight
          b += read(stride: stride, line, column, 1, mask[1]) * weight
          c += read(stride: stride, line, column, 2, mask[2]) * weight
          if kernel == 5 {
            d += read(stride: stride, line, column, 3, mask[3]) * weight
            e += read(stride: stride, line, column, 4, mask[4]) * weight
          }
          column += 8
          mask += kernel
        }
        swap(&a, &f)
        swap(&b, &g)
        swap(&c, &h)
        swap(&d, &i)
        swap(&e, &j)
      }
      let target = sums + row * kernel
      target[0] += (a + f).sum()
      target[1] += (b + g).sum()
      target[2] += (c + h).sum()
      if kernel == 5 {
        target[3] += (d + i).sum()
        target[4] += (e + j).sum()
      }
    }
  }
}
