import Coppice

extension Session {
  /// Bytes of the model's files that are not elements of parameter tensors: the graph, its names, its constants.
  func bytesBesideParameters() throws -> Int {
    let inside = try FileBytes(path: path).region.count
    var outside = 0
    var counted: Set<ValueID> = []
    for weight in analysis.weights where counted.insert(weight.value).inserted {
      if case .external = weight.tensor.encoding { outside += weight.tensor.byteCount }
    }
    return inside + outside - ModelStatistics(analysis).bytes
  }

  /// Bytes that pruning adds at most: names and headers of copies of shared vectors, and the provenance.
  var bytesAddedByPruning: Int {
    let copies = analysis.weights.reduce(0) { $0 + ($1.use == nil ? 0 : $1.name.utf8.count + 48) }
    return analysis.groups.reduce(256 + copies) { $0 + $1.id.utf8.count + 12 }
  }
}
