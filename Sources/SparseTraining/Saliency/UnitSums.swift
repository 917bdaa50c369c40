import Kernels
import Runtime

/// What the saliency of units is made of: ‖x‖², ‖d‖² and ⟨x, d⟩ of each.
struct UnitSums {
  private let table: UnitTable
  /// By index into ``Parameters/trained``, the parts that lie in it.
  private let partsOfTrained: [[Int]]
  private(set) var squares: [Double]
  private(set) var directionSquares: [Double]
  private(set) var products: [Double]

  /// Of the parameters as they are; directions are to follow.
  init(_ table: UnitTable, _ parameters: Parameters) {
    self.table = table
    squares = [Double](repeating: 0, count: table.count)
    directionSquares = squares
    products = squares
    var partsOfParameter: [Int: [Int]] = [:]
    for (index, part) in table.parts.enumerated() where part.counts {
      partsOfParameter[part.parameter, default: []].append(index)
    }
    let places = Dictionary(uniqueKeysWithValues: parameters.all.enumerated().map { ($1.value, $0) })
    partsOfTrained = parameters.trained.map { parameter in
      places[parameter.value].flatMap { partsOfParameter[$0] } ?? []
    }
    for part in table.parts where part.counts {
      parameters.withValues(of: parameters.all[part.parameter]) { values in
        guard let x = UnsafePointer(values.baseAddress) else { return }
        ChannelProducts.add(x, x, part.slices, channels: part.units, to: &squares)
      }
    }
  }

  /// - Parameters:
  ///   - parameter: index into ``Parameters/trained``.
  ///   - x: its elements.
  ///   - d: what a step goes along, of each.
  mutating func add(_ parameter: Int, _ x: UnsafePointer<Float>, along d: UnsafePointer<Float>) {
    for index in partsOfTrained[parameter] {
      let part = table.parts[index]
      ChannelProducts.add(d, d, part.slices, channels: part.units, to: &directionSquares)
      ChannelProducts.add(x, d, part.slices, channels: part.units, to: &products)
    }
  }

  /// What each term says of each unit.
  var terms: SaliencyTerms {
    let norms = squares.map { $0.squareRoot() }
    let averages = zip(norms, table.sizes).map { $0 / Double(max(1, $1)) }
    let cosines = products.indices.map { unit in
      let scale = norms[unit] * directionSquares[unit].squareRoot()
      return (scale > 0 ? products[unit] / scale : 0) + 1
    }
    return SaliencyTerms(
      magnitude: norms, averageMagnitude: averages, cosine: cosines, firstOrder: products.map { abs($0) },
      secondOrder: products.map { 0.5 * $0 * $0 })
  }
}
