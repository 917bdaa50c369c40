/// Group and instance normalization: groups of neighbouring channels are normalized within each sample.
public enum GroupedNormalization {
  public struct Layout: Sendable {
    public let batch: Int
    public let groups: Int
    /// Parts of a group with a scale of their own: its channels, or one where a scale holds for the whole group.
    public let parts: Int
    /// Elements of a part, neighbours in memory.
    public let inner: Int

    public init(batch: Int, groups: Int, parts: Int, inner: Int) {
      self.batch = batch
      self.groups = groups
      self.parts = parts
      self.inner = inner
    }

    var width: Int { parts * inner }
    var grain: Int { max(1, 32_768 / max(1, width)) }
    /// How many scales there are.
    public var scales: Int { groups * parts }
  }

  /// `y` may be `x`.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, scale: UnsafePointer<T>, bias: UnsafePointer<T>, epsilon: Double,
    _ y: UnsafeMutablePointer<T>, _ layout: Layout, workers: Workers
  ) {
    workers.forEachRange(of: layout.batch * layout.groups, grain: layout.grain) { range in
      for row in range {
        let (mean, inverse) = statistics(x + row * layout.width, layout, epsilon)
        for part in 0..<layout.parts {
          let index = (row % layout.groups) * layout.parts + part
          let start = row * layout.width + part * layout.inner
          ChannelNormalization.transform(
            x + start, y + start, layout.inner, center: mean, factor: scale[index] * inverse, shift: bias[index],
            .none)
        }
      }
    }
  }

  @inline(__always)
  private static func statistics<T: Real>(
    _ row: UnsafePointer<T>, _ layout: Layout, _ epsilon: Double
  ) -> (mean: T, inverse: T) {
    let count = Double(max(1, layout.width))
    let mean = T(RowSums.sum(of: row, count: layout.width) / count)
    let variance = RowSums.squares(of: row, count: layout.width, center: mean) / count
    return (mean, T(1 / (variance + epsilon).squareRoot()))
  }

  /// `partials` holds two elements of scratch for each scale of each sample.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func gradient<T: Real>(
    _ x: UnsafePointer<T>, scale: UnsafePointer<T>, _ gradient: UnsafePointer<T>, epsilon: Double,
    _ output: UnsafeMutablePointer<T>?, scaleGradient: UnsafeMutablePointer<T>?,
    biasGradient: UnsafeMutablePointer<T>?, partials: UnsafeMutablePointer<Double>, _ layout: Layout,
    workers: Workers
  ) {
    let biases = partials + layout.batch * layout.scales
    workers.forEachRange(of: layout.batch * layout.groups, grain: layout.grain) { range in
      for row in range {
        let start = row * layout.width
        let (mean, inverse) = statistics(x + start, layout, epsilon)
        var (sum, products) = (0.0, 0.0)
        for part in 0..<layout.parts {
          let place = start + part * layout.inner
          let factor = Double(scale[(row % layout.groups) * layout.parts + part])
          let biasSum = RowSums.sum(of: gradient + place, count: layout.inner)
          let scaleSum =
            RowSums.products(of: gradient + place, x + place, count: layout.inner, center: mean) * Double(inverse)
          partials[row * layout.parts + part] = scaleSum
          biases[row * layout.parts + part] = biasSum
          sum += factor * biasSum
          products += factor * scaleSum
        }
        guard let output else { continue }
        let count = Double(max(1, layout.width))
        let slope = T(-products * Double(inverse) * Double(inverse) / count)
        let shift = T(-sum * Double(inverse) / count)
        for part in 0..<layout.parts {
          let place = start + part * layout.inner
          let factor = scale[(row % layout.groups) * layout.parts + part] * inverse
          for index in place..<(place + layout.inner) {
            output[index] = gradient[index] * factor + ((x[index] - mean) * slope + shift)
          }
        }
      }
    }
    for index in 0..<layout.scales {
      var (scaleTotal, biasTotal) = (0.0, 0.0)
      for sample in 0..<layout.batch {
        scaleTotal += partials[sample * layout.scales + index]
        biasTotal += biases[sample * layout.scales + index]
      }
      scaleGradient?[index] = T(scaleTotal)
      biasGradient?[index] = T(biasTotal)
    }
  }
}
