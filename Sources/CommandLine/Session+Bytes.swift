import Coppice

extension Session {
  /// Bytes of the model's files: its own and what of others its tensors take.
  func fileBytes() throws -> Int {
    var total = try FileBytes(path: path).region.count
    var counted: Set<ValueID> = []
    for weight in analysis.weights where counted.insert(weight.value).inserted {
      if case .external = weight.tensor.encoding { total += weight.tensor.byteCount }
    }
    return total
  }
}
