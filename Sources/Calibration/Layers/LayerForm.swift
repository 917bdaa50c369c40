import Pruning

/// The sizes of one group's matrix.
struct LayerForm {
  let groups: Int
  let rows: Int
  let columns: Int
  /// Columns of one input channel.
  let window: Int

  init(_ layer: LinearLayer, _ weight: [Int]) {
    groups = layer.groups
    rows = weight[layer.rowAxis] / groups
    window = layer.kind == .convolution ? weight.dropFirst(2).reduce(1, *) : 1
    columns = weight[layer.columnAxis] * window
  }

  private init(groups: Int, rows: Int, columns: Int, window: Int) {
    (self.groups, self.rows, self.columns, self.window) = (groups, rows, columns, window)
  }

  /// One matrix, each column a channel of its own.
  static func plain(rows: Int, columns: Int) -> LayerForm {
    LayerForm(groups: 1, rows: rows, columns: columns, window: 1)
  }

  static let empty = LayerForm(groups: 0, rows: 0, columns: 0, window: 1)
}
