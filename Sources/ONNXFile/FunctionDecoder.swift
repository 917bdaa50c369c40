import IR

/// Reads the bodies of functions a model brings along, as models of their own.
///
/// A function has no message for its graph, but nearly the same fields under other numbers: they are put where a model
/// has them, and read like any other model.
enum FunctionDecoder {
  /// - Returns: `nil` where the body is not understood; the function is still carried as it is.
  static func body(_ message: [UInt8], path: String) -> FunctionBody? {
    let owner = ByteRegion(copying: message)
    guard let model = try? owner.withUnsafeBytes({ try modelMessage($0) }),
      var read = try? ONNXReader.read(ByteRegion(copying: model).owner, path: path),
      let first = read.graph.nodes.first, first.opType == defaultsType
    else { return nil }
    read.graph.nodes.removeFirst()
    return FunctionBody(model: read, defaults: first.attributes)
  }

  /// A node that holds the defaults of the function's attributes goes before all others.
  private static let defaultsType = "\u{1}defaults"

  private static func modelMessage(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> [UInt8] {
    var reader = FieldReader(bytes, range: 0..<bytes.count)
    var (model, ends, nodes, defaults): ([UInt8], [UInt8], [UInt8], [UInt8]) = ([], [], [], [])
    append(field: 4, Array(defaultsType.utf8), to: &defaults)
    while let field = try reader.next() {
      guard let payload = field.payload else { continue }
      let content = Array(UnsafeRawBufferPointer(rebasing: bytes[payload]))
      switch field.number {
      case 4, 5:
        var info: [UInt8] = []
        append(field: 1, content, to: &info)
        append(field: field.number == 4 ? 11 : 12, info, to: &ends)
      case 7: append(field: 1, content, to: &nodes)
      case 9: append(field: 8, content, to: &model)
      case 11: append(field: 5, content, to: &defaults)
      default: break
      }
    }
    var graph: [UInt8] = []
    append(field: 1, defaults, to: &graph)
    append(field: 7, graph + nodes + ends, to: &model)
    return model
  }

  private static func append(field: UInt64, _ content: [UInt8], to bytes: inout [UInt8]) {
    appendVarint(field << 3 | 2, to: &bytes)
    appendVarint(UInt64(content.count), to: &bytes)
    bytes.append(contentsOf: content)
  }
}
