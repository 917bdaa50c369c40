import Pruning

/// The sizes of one group's matrix, and how a weight holds the matrices of all groups.
struct LayerForm {
  let groups: Int
  let rows: Int
  let columns: Int
  /// Columns of one input channel.
  let window: Int
  /// Whether a weight has the rows of each input channel together, rather than the channels of each row.
  private let hasChannelsFirst: Bool

  init(_ layer: LinearLayer, _ weight: [Int]) { self.init(layer, weight, groups: layer.groups) }

  /// - Parameter groups: those the weight is of, where some of the layer's are gone.
  init(_ layer: LinearLayer, _ weight: [Int], groups: Int) {
    // The first axis runs over all groups.
    var shape = weight
    shape[0] /= groups
    self.groups = groups
    rows = shape[layer.rowAxis]
    window = layer.kind == .product ? 1 : shape.dropFirst(2).reduce(1, *)
    columns = shape[layer.columnAxis] * window
    hasChannelsFirst = layer.rowAxis == 1
  }

  private init(groups: Int, rows: Int, columns: Int, window: Int) {
    (self.groups, self.rows, self.columns, self.window) = (groups, rows, columns, window)
    hasChannelsFirst = false
  }

  /// One matrix, each column a channel of its own.
  static func plain(rows: Int, columns: Int) -> LayerForm {
    LayerForm(groups: 1, rows: rows, columns: columns, window: 1)
  }

  static let empty = LayerForm(groups: 0, rows: 0, columns: 0, window: 1)

  /// A weight as one row-major matrix for each group.
  func matrices(_ weight: [Float]) -> [[Double]] {
    let size = rows * columns
    return (0..<groups).map { group -> [Double] in
      let start = group * size
      guard hasChannelsFirst else { return weight[start..<(start + size)].map { Double($0) } }
      var matrix = [Double](repeating: 0, count: size)
      forEachElement { place, source in matrix[place] = Double(weight[start + source]) }
      return matrix
    }
  }

  /// The weight that such matrices make.
  func weight(_ matrices: [[Double]]) -> [Float] {
    matrices.flatMap { matrix -> [Float] in
      guard hasChannelsFirst else { return matrix.map { Float($0) } }
      var weight = [Float](repeating: 0, count: matrix.count)
      forEachElement { source, place in weight[place] = Float(matrix[source]) }
      return weight
    }
  }

  /// The elements of a group whose weight has channels first: where its matrix has each, and where its part of the
  /// weight.
  private func forEachElement(_ body: (_ ofMatrix: Int, _ ofWeight: Int) -> Void) {
    for channel in 0..<(columns / max(1, window)) {
      for row in 0..<rows {
        let (matrix, weight) = (row * columns + channel * window, (channel * rows + row) * window)
        for element in 0..<window { body(matrix + element, weight + element) }
      }
    }
  }
}
