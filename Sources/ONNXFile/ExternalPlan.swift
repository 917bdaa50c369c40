import IR

/// Which tensors go to external data, and where in it.
struct ExternalPlan {
  /// Where a tensor is: a file beside the model, and the first of its bytes there.
  struct Place {
    let file: String
    let offset: Int
  }

  struct Entry {
    let payload: Payload
    let offset: Int
  }

  /// In the order they are written.
  private(set) var tensors: [Entry] = []
  /// By the index of the initializer; names will not do, a body may have an initializer of the same name.
  private(set) var places: [Int: Place] = [:]

  var byteCount: Int { tensors.last.map { $0.offset + $0.payload.byteCount } ?? 0 }

  /// Tensors smaller than this stay in the model where nothing else is asked.
  private static let minimumBytes = 1024
  /// Bytes of inline tensors from which on they go out: protobuf's 2 GB, less room for the rest of the message.
  private static let inlineLimit = Int(Int32.max) - (64 << 20)

  /// Only initializers of the main graph move, which is where every exporter keeps what is large.
  init(_ model: Model, mode: ONNXWriter.Options.ExternalData, fileName: String) {
    guard mode != .never else { return }
    let inlineBytes = model.graph.initializers.reduce(0) { total, initializer in
      if case .external = initializer.tensor.encoding { return total }
      return total + initializer.tensor.byteCount
    }
    let movesLarge = mode == .always || inlineBytes > Self.inlineLimit
    var end = 0
    for (index, initializer) in model.graph.initializers.enumerated() {
      let tensor = initializer.tensor
      var goesOut = movesLarge && tensor.byteCount >= Self.minimumBytes
      if case .external = tensor.encoding { goesOut = true }
      guard goesOut else { continue }
      let payload: Payload
      switch tensor.storage {
      case .bytes(let region): payload = .region(region)
      case .view(let view): payload = .view(view)
      case .strings: continue
      }
      if payload.byteCount >= 4096 { end = (end + 4095) & ~4095 }
      places[index] = Place(file: fileName, offset: end)
      tensors.append(Entry(payload: payload, offset: end))
      end += payload.byteCount
    }
  }
}
