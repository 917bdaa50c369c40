/// What the loops over a plane know when they are compiled: types, since the optimizer does not make every function
/// anew for numbers it is called with.
protocol DepthwiseFilter {
  static var kernel: Int { get }
  static var stride: Int { get }
}

extension DepthwisePlanes {
  enum Three: DepthwiseFilter {
    @inline(__always) static var kernel: Int { 3 }
    @inline(__always) static var stride: Int { 1 }
  }

  enum ThreeByTwos: DepthwiseFilter {
    @inline(__always) static var kernel: Int { 3 }
    @inline(__always) static var stride: Int { 2 }
  }

  enum Five: DepthwiseFilter {
    @inline(__always) static var kernel: Int { 5 }
    @inline(__always) static var stride: Int { 1 }
  }

  enum FiveByTwos: DepthwiseFilter {
    @inline(__always) static var kernel: Int { 5 }
    @inline(__always) static var stride: Int { 2 }
  }
}

/// Lines of the output that are computed together.
protocol PlaneLines {
  static var height: Int { get }
}

/// The loops over one plane.
extension DepthwisePlanes.Lane {
  private enum One: PlaneLines {
    @inline(__always) static var height: Int { 1 }
  }

  private enum Four: PlaneLines {
    @inline(__always) static var height: Int { 4 }
  }

  /// What a column of the kernel reads of a line for a vector of columns of the output.
  @inline(__always)
  private func read<V: PlaneVector, F: DepthwiseFilter>(
    _: F.Type, _ line: UnsafePointer<Float>, _ column: Int, _ tap: Int
  ) -> V {
    let first = line + (column &* F.stride &- padding.width)
    return F.stride == 1 ? V.load(first + tap) : V.load(everySecond: first + tap / 2 * 2, isOdd: tap % 2 == 1)
  }

  /// A plane, its filter, and what follows the sums.
  struct Sums {
    let plane: UnsafePointer<Float>
    let weights: UnsafePointer<Float>
    let start: Float
    let target: UnsafeMutablePointer<Float>
    let low: Float
    let high: Float
  }

  /// target[y, x] ← start + Σ weights[i, j] · plane[y · stride + i − padding, x · stride + j − padding], cut to the
  /// range from `low` to `high`.
  @inline(never)
  func slide<V: PlaneVector, F: DepthwiseFilter>(_: V.Type, _: F.Type, _ sums: Sums) {
    var y = 0
    if F.stride == 1 {
      while y &+ 4 <= output.height {
        slide(V.self, F.self, Four.self, y, sums)
        y &+= 4
      }
    }
    while y < output.height {
      slide(V.self, F.self, One.self, y, sums)
      y &+= 1
    }
  }

  /// Computes one line, or four together, which share what they read.
  @inline(__always)
  private func slide<V: PlaneVector, F: DepthwiseFilter, H: PlaneLines>(
    _: V.Type, _: F.Type, _: H.Type, _ y: Int, _ sums: Sums
  ) {
    var strip = (output.width &- 1) / V.width
    while strip >= 0 {
      var lines = Lines<V>(repeating: sums.start)
      add(0, F.self, H.self, y, strip, sums, to: &lines)
      add(1, F.self, H.self, y, strip, sums, to: &lines)
      add(2, F.self, H.self, y, strip, sums, to: &lines)
      add(3, F.self, H.self, y, strip, sums, to: &lines)
      add(4, F.self, H.self, y, strip, sums, to: &lines)
      add(5, F.self, H.self, y, strip, sums, to: &lines)
      add(6, F.self, H.self, y, strip, sums, to: &lines)
      add(7, F.self, H.self, y, strip, sums, to: &lines)
      end(lines.a, y, strip, sums)
      if H.height > 1 {
        end(lines.b, y &+ 1, strip, sums)
        end(lines.c, y &+ 2, strip, sums)
        end(lines.d, y &+ 3, strip, sums)
      }
      strip &-= 1
    }
  }

  private struct Lines<V: PlaneVector> {
    var a: V
    var b: V
    var c: V
    var d: V

    @inline(__always)
    init(repeating start: Float) {
      a = V(repeating: start)
      (b, c, d) = (a, a, a)
    }
  }

  /// Adds what a line of the input gives to each of the lines of the output.
  @inline(__always)
  private func add<V: PlaneVector, F: DepthwiseFilter, H: PlaneLines>(
    _ row: Int, _: F.Type, _: H.Type, _ y: Int, _ strip: Int, _ sums: Sums, to lines: inout Lines<V>
  ) {
    guard row < F.kernel &+ H.height &- 1 else { return }
    let line = self.line(sums.plane, y &* F.stride &- padding.height &+ row, input)
    let weight = sums.weights + row &* F.kernel
    let mask = masks + strip &* (F.kernel &* V.width)
    @inline(__always)
    func add(_ tap: Int) {
      guard tap < F.kernel else { return }
      let source: V = read(F.self, line, strip &* V.width, tap)
      let x = source.masked(mask + tap &* V.width)
      if row < F.kernel { lines.a = lines.a.adding(x, times: weight[tap]) }
      guard H.height > 1 else { return }
      if row >= 1, row < F.kernel &+ 1 { lines.b = lines.b.adding(x, times: weight[tap &- F.kernel]) }
      if row >= 2, row < F.kernel &+ 2 { lines.c = lines.c.adding(x, times: weight[tap &- 2 &* F.kernel]) }
      if row >= 3 { lines.d = lines.d.adding(x, times: weight[tap &- 3 &* F.kernel]) }
    }
    add(0)
    add(1)
    add(2)
    add(3)
    add(4)
  }

  @inline(__always)
  private func end<V: PlaneVector>(_ sum: V, _ y: Int, _ strip: Int, _ sums: Sums) {
    let offset = y &* output.width &+ strip &* V.width
    Self.store(sum.finished(nil, low: sums.low, high: sums.high), sums.target, offset, of: output.count)
  }

  /// target[y · 2 + i − padding, x · 2 + j − padding] ← Σ weights[i, j] · plane[y, x]
  @inline(never)
  func spread<V: PlaneVector, F: DepthwiseFilter>(
    _: V.Type, _: F.Type, _ plane: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    _ target: UnsafeMutablePointer<Float>
  ) {
    let isSwapped = padding.width % 2 == 1
    for y in 0..<input.height {
      let first = (y + padding.height) % 2
      var (pair, mask) = (0, pairMasks)
      while 2 * pair < input.width {
        // Columns read by even and by odd columns of the kernel.
        var (even, odd) = (V(repeating: 0), V(repeating: 0))
        for index in 0..<(F.kernel + 1) / 2 {
          let row = first + 2 * index
          guard row < F.kernel else { continue }
          let line = self.line(plane, (y + padding.height - row) / 2, output) + pair
          for tap in 0..<F.kernel {
            let parity = (padding.width + tap) % 2
            let source = V.load(line + (parity + padding.width - tap) / 2).masked(mask + tap &* V.width)
            let weight = weights[row * F.kernel + tap]
            if tap % 2 == 0 {
              even = even.adding(source, times: weight)
            } else {
              odd = odd.adding(source, times: weight)
            }
          }
        }
        write(isSwapped ? odd : even, isSwapped ? even : odd, target, y * input.width + 2 * pair)
        pair += V.width
        mask += F.kernel &* V.width
      }
    }
  }

  @inline(__always)
  private func write<V: PlaneVector>(_ even: V, _ odd: V, _ target: UnsafeMutablePointer<Float>, _ offset: Int) {
    if offset + 2 * V.width <= input.count {
      V.storeInterleaved(even, odd, target + offset)
    } else {
      for index in 0..<min(2 * V.width, input.count - offset) {
        target[offset + index] = index % 2 == 0 ? even[index / 2] : odd[index / 2]
      }
    }
  }

  /// sums[i, j] ← sums[i, j] + Σ gradient[y, x] · plane[y · stride + i − padding, x · stride + j − padding]
  @inline(never)
  func correlate<V: PlaneVector, F: DepthwiseFilter>(
    _: V.Type, _: F.Type, _ plane: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<F.kernel {
      // Two chains of sums for each column of the kernel, taken by lines in turn.
      let zero = V(repeating: 0)
      var (a, b, c, d, e) = (zero, zero, zero, zero, zero)
      var (f, g, h, i, j) = (zero, zero, zero, zero, zero)
      let lines = ConvolutionGeometry.valid(
        size: input.height, output: output.height, stride: F.stride, offset: row - padding.height)
      for y in lines {
        let line = plane + (y * F.stride + row - padding.height) * input.width
        let weights = gradient + y * output.width
        var (column, mask) = (0, masks)
        while column < output.width {
          var weight = V.load(weights + column)
          if column + V.width > output.width { weight = weight.masked(lastColumns) }
          @inline(__always)
          func product(_ sum: V, _ tap: Int) -> V {
            let source: V = read(F.self, line, column, tap)
            return sum.adding(source.masked(mask + tap &* V.width), times: weight)
          }
          a = product(a, 0)
          b = product(b, 1)
          c = product(c, 2)
          if F.kernel == 5 {
            d = product(d, 3)
            e = product(e, 4)
          }
          column += V.width
          mask += F.kernel &* V.width
        }
        swap(&a, &f)
        swap(&b, &g)
        swap(&c, &h)
        swap(&d, &i)
        swap(&e, &j)
      }
      let target = sums + row * F.kernel
      target[0] += a.sum() + f.sum()
      target[1] += b.sum() + g.sum()
      target[2] += c.sum() + h.sum()
      if F.kernel == 5 {
        target[3] += d.sum() + i.sum()
        target[4] += e.sum() + j.sum()
      }
    }
  }
}
