import IR

extension KernelContext {
  /// Refuses inputs of several types, of which a kernel would read the others as the first.
  func checkOneType(_ candidates: some Sequence<Int>) throws(KernelError) {
    var first: DataType?
    for index in candidates where has(index) {
      let type = try input(index).type
      guard type == first ?? type else {
        throw .unsupported("inputs of types \(first ?? type) and \(type): cast them to one type")
      }
      first = type
    }
  }
}
