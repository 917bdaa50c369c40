extension ArrayDataset {
  /// Samples a program has at hand: one tensor a field, whose first axis counts them; labels under ``labelField``.
  /// - Throws: where there are no samples, or numbers of samples differ.
  public init(_ tensors: [String: Tensor], source: String = "data in memory") throws(DataError) {
    let arrays = tensors.sorted { $0.key < $1.key }.map { name, tensor in
      StoredArray(field: name, source: "\(source): \(name)", tensor: tensor)
    }
    try self.init(arrays, source: source)
  }
}
