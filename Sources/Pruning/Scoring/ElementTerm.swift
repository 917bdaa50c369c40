import Analysis
import IR

/// What is added up of each element of a weight θ and the number m that was measured of it.
public enum ElementTerm: Hashable, Sendable {
  /// θ·m: signs may cancel.
  case product
  /// |θ·m|.
  case magnitude
  /// θ²·m.
  case square

  func callAsFunction(_ weight: Double, _ measured: Double) -> Double {
    switch self {
    case .product: weight * measured
    case .magnitude: abs(weight * measured)
    case .square: weight * weight * measured
    }
  }
}

extension ScoringContext {
  /// For each channel of the group the sum of a term over its part of a member; `nil` where nothing was measured of the
  /// weight.
  public func elementSums(
    of member: PruningGroup.Member, in group: PruningGroup, _ term: ElementTerm, _ measurement: Measurement
  ) -> [Double]? {
    guard let map = channels(of: member, in: group),
      let slices = elementSums(of: member.weight, term, measurement)?[member.axis]
    else { return nil }
    var sums = [Double](repeating: 0, count: group.size)
    for (index, channel) in map.enumerated() where channel >= 0 { sums[Int(channel)] += slices[index] }
    return sums
  }

  /// The sums of a term over the slices of a weight along each of its axes, computed anew.
  func measuredSums(of weight: Int, _ term: ElementTerm, _ measurement: Measurement) -> [[Double]]? {
    guard let elements = evidence.elements[measurement], elements.indices.contains(weight),
      let numbers = elements[weight]?.doubles()
    else { return nil }
    let tensor = analysis.weights[weight].tensor
    guard let weights = tensor.doubles(), weights.count == numbers.count else { return nil }
    let terms = zip(weights, numbers).map { weight, number in term(weight, number) }
    return tensor.shape.indices.map { axis in
      Self.sums(of: terms, size: tensor.shape[axis], inner: tensor.shape[(axis + 1)...].reduce(1, *))
    }
  }

  /// - Parameters:
  ///   - size: indices along the axis.
  ///   - inner: elements of one index that lie together.
  private static func sums(of terms: [Double], size: Int, inner: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: size)
    guard size > 0, inner > 0 else { return sums }
    terms.withUnsafeBufferPointer { terms in
      for start in stride(from: 0, to: terms.count, by: inner) {
        var sum = 0.0
        for index in start..<(start + inner) { sum += terms[index] }
        sums[start / inner % size] += sum
      }
    }
    return sums
  }
}
