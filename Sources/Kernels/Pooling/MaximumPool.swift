/// Maxima over sliding windows: down the rows first, whole rows as vectors, then along what is left.
public enum MaximumPool {
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ geometry: PoolGeometry, workers: Workers
  ) {
    let width = geometry.width
    workers.forEachRange(of: geometry.planes, grain: geometry.grain) { range in
      withUnsafeTemporaryAllocation(of: T.self, capacity: width.paddedLength) { buffer in
        guard let padded = buffer.baseAddress else { return }
        padded.initialize(repeating: -.infinity, count: width.paddedLength)
        for plane in range {
          let source = x + plane * geometry.inputCount
          var target = y + plane * geometry.outputCount
          geometry.forEachRow { depth, height in
            reduceRows(source, depth, height, padded + width.before, geometry)
            reduceColumns(padded, target, width)
            target += width.output
          }
        }
      }
    }
  }

  /// Maxima down the columns of the rows a row of windows covers.
  @inline(__always)
  private static func reduceRows<T: Real>(
    _ source: UnsafePointer<T>, _ depth: Int, _ height: Int, _ row: UnsafeMutablePointer<T>,
    _ geometry: PoolGeometry
  ) {
    let count = geometry.width.input
    var isFirst = true
    geometry.forEachInputRow(depth, height) { offset in
      let next = source + offset
      if isFirst {
        row.update(from: next, count: count)
        isFirst = false
      } else {
        for index in 0..<count { row[index] = next[index] > row[index] ? next[index] : row[index] }
      }
    }
    if isFirst { row.update(repeating: -.infinity, count: count) }
  }

  @inline(__always)
  private static func reduceColumns<T: Real>(
    _ row: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>, _ axis: PoolGeometry.Axis
  ) {
    var output = 0
    while output + 8 <= axis.output {
      var best = RowSums.load(row + output * axis.stride, stride: axis.stride)
      for tap in 1..<max(1, axis.kernel) {
        let next = RowSums.load(row + output * axis.stride + tap * axis.dilation, stride: axis.stride)
        best = RowSums.select(next, best, where: next, exceeds: best)
      }
      RowSums.store(best, target, output)
      output += 8
    }
    while output < axis.output {
      var best = row[output * axis.stride]
      for tap in 1..<max(1, axis.kernel) {
        let next = row[output * axis.stride + tap * axis.dilation]
        if next > best { best = next }
      }
      target[output] = best
      output += 1
    }
  }

  /// Any type of elements, and where the maxima are.
  /// - Parameters:
  ///   - lowest: What a window without elements gives.
  ///   - countsColumnsFirst: Whether positions run down the columns of a plane first (`storage_order` 1).
  @specialized(where T == Float)
  @specialized(where T == Double)
  @specialized(where T == Int8)
  @specialized(where T == UInt8)
  public static func applyWithIndices<T: Comparable & BitwiseCopyable>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, indices: UnsafeMutablePointer<Int64>?, lowest: T,
    countsColumnsFirst: Bool, _ geometry: PoolGeometry, workers: Workers
  ) {
    let (rows, columns) = (geometry.height.input, geometry.width.input)
    workers.forEachRange(of: geometry.planes, grain: geometry.grain) { range in
      for plane in range {
        let source = x + plane * geometry.inputCount
        var output = plane * geometry.outputCount
        geometry.forEachRow { depth, height in
          for width in 0..<geometry.width.output {
            var (best, place) = (lowest, -1)
            geometry.forEachElement(depth, height, width) { offset in
              guard place < 0 || source[offset] > best else { return }
              (best, place) = (source[offset], offset)
            }
            y[output] = best
            if countsColumnsFirst, place >= 0 {
              let (slice, inside) = (place / (rows * columns), place % (rows * columns))
              place = slice * rows * columns + inside % columns * rows + inside / columns
            }
            indices?[output] = Int64(plane * geometry.inputCount + max(0, place))
            output += 1
          }
        }
      }
    }
  }

  /// Leads each gradient to the first of the largest elements of its window, found again from the input.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func gradient<T: Real>(
    _ x: UnsafePointer<T>, _ gradient: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>,
    _ geometry: PoolGeometry, workers: Workers
  ) {
    let width = geometry.width
    let rounded = (width.output + 7) / 8 * 8
    // The last vector of windows may reach behind the last one.
    let length = width.paddedLength + 8 * width.stride
    workers.forEachRange(of: geometry.planes, grain: geometry.grain) { range in
      withUnsafeTemporaryAllocation(of: T.self, capacity: length + 2 * rounded) { buffer in
        guard let padded = buffer.baseAddress else { return }
        padded.initialize(repeating: -.infinity, count: length + 2 * rounded)
        let search = Search(padded: padded, best: padded + length, places: padded + length + rounded)
        for plane in range {
          let source = x + plane * geometry.inputCount
          let target = output + plane * geometry.inputCount
          target.update(repeating: 0, count: geometry.inputCount)
          var row = gradient + plane * geometry.outputCount
          geometry.forEachRow { depth, height in
            search.run(source, depth, height, geometry, rounded)
            for index in 0..<width.output where search.places[index] >= 0 {
              // By way of double precision, from which there is a conversion in one instruction.
              target[Int(Double(search.places[index])) + width.start(index)] += row[index]
            }
            row += width.output
          }
        }
      }
    }
  }

  /// The search for the largest elements of a row of windows.
  private struct Search<T: Real> {
    let padded: UnsafeMutablePointer<T>
    let best: UnsafeMutablePointer<T>
    /// Where the largest elements are from the starts of the windows in the first row of the plane on, as numbers of
    /// the elements' type so that vectors of both go together; negative where there is none.
    let places: UnsafeMutablePointer<T>

    @inline(__always)
    func run(
      _ source: UnsafePointer<T>, _ depth: Int, _ height: Int, _ geometry: PoolGeometry, _ count: Int
    ) {
      let width = geometry.width
      best.update(repeating: -.infinity, count: count)
      places.update(repeating: -1, count: count)
      geometry.forEachInputRow(depth, height) { offset in
        (padded + width.before).update(from: source + offset, count: width.input)
        var index = 0
        while index < count {
          var (value, place) = (RowSums.load(best, index), RowSums.load(places, index))
          for tap in 0..<width.kernel {
            let next = RowSums.load(
              UnsafePointer(padded + index * width.stride + tap * width.dilation), stride: width.stride)
            let here = SIMD8(repeating: T(offset + tap * width.dilation))
            place = RowSums.select(here, place, where: next, exceeds: value)
            value = RowSums.select(next, value, where: next, exceeds: value)
          }
          RowSums.store(value, best, index)
          RowSums.store(place, places, index)
          index += 8
        }
      }
    }
  }
}
