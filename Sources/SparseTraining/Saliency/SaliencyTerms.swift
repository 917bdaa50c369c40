/// What each term of saliency says of each unit; see ``SaliencyWeights``.
public struct SaliencyTerms: Sendable {
  public var magnitude: [Double] = []
  public var averageMagnitude: [Double] = []
  public var cosine: [Double] = []
  public var firstOrder: [Double] = []
  public var secondOrder: [Double] = []

  init() {}

  init(
    magnitude: [Double], averageMagnitude: [Double], cosine: [Double], firstOrder: [Double], secondOrder: [Double]
  ) {
    self.magnitude = magnitude
    self.averageMagnitude = averageMagnitude
    self.cosine = cosine
    self.firstOrder = firstOrder
    self.secondOrder = secondOrder
  }

  /// - Parameter values: all terms one after the other, of so many units.
  init(_ values: [Double], count: Int) {
    func term(_ index: Int) -> [Double] { Array(values[(index * count)..<((index + 1) * count)]) }
    self.init(
      magnitude: term(0), averageMagnitude: term(1), cosine: term(2), firstOrder: term(3), secondOrder: term(4))
  }

  var all: [[Double]] { [magnitude, averageMagnitude, cosine, firstOrder, secondOrder] }

  /// The saliency of each unit: its terms, each divided by its norm over all units, weighted and added.
  func saliency(_ weights: SaliencyWeights) -> [Double] {
    var saliency = [Double](repeating: 0, count: magnitude.count)
    for (weight, values) in zip(weights.all, all) {
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard norm > 0, norm.isFinite else { continue }
      for unit in saliency.indices { saliency[unit] += weight * values[unit] / norm }
    }
    return saliency
  }
}
