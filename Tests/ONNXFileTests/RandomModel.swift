import IR

/// Small models with all that the file format holds, the same for the same seed.
final class RandomModel {
  private var state: UInt64

  private init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  static func make(seed: UInt64) -> Model {
    let maker = RandomModel(seed: seed)
    return maker.model()
  }

  private func next(_ limit: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(limit))
  }

  private func maybe<Value>(_ value: @autoclosure () -> Value) -> Value? { next(2) == 0 ? value() : nil }

  private func text() -> String {
    ["", "a", "ünï", "name/with:signs", String(repeating: "x", count: 300)][next(5)]
  }

  private func carried() -> CarriedFields {
    guard next(3) == 0 else { return .none }
    return CarriedFields(bytes: field(900, text()) + field(901, varint: UInt64(next(1 << 20))))
  }

  private func entries() -> [MetadataEntry] {
    (0..<next(3)).map { _ in MetadataEntry(key: maybe(text()), value: maybe(text()), carried: carried()) }
  }

  private func model() -> Model {
    var model = Model(
      irVersion: maybe(8), opsetImports: [OpsetImport(domain: maybe(""), version: 17, carried: carried())],
      producerName: maybe(text()), producerVersion: maybe(text()), domain: maybe(text()), modelVersion: maybe(-3),
      docString: maybe(text()), metadata: entries(), carried: carried())
    model.graph = graph(in: &model, depth: 0)
    for _ in 0..<next(3) {
      model.functions.append(
        FunctionDefinition(name: "F", domain: "org", message: field(1, "F") + field(10, "org") + field(4, "in")))
    }
    return model
  }

  private func graph(in model: inout Model, depth: Int) -> Graph {
    var graph = Graph(name: maybe(text()), docString: maybe(text()), carried: carried())
    var known: [ValueID] = []
    for _ in 0..<(1 + next(3)) {
      let value = model.addValue(named: "v\(model.valueNames.count)")
      graph.inputs.append(ValueInfo(value: value, type: maybe(type()), docString: maybe(text()), carried: carried()))
      known.append(value)
    }
    for _ in 0..<next(6) {
      let name = "v\(model.valueNames.count)"
      let value = model.addValue(named: name)
      graph.initializers.append(Initializer(value: value, tensor: tensor(name)))
      known.append(value)
    }
    for _ in 0..<(1 + next(5)) {
      var node = Node(
        inputs: (0..<next(4)).map { _ in maybe(known[next(known.count)]) }, outputs: [], name: maybe(text()),
        opType: text(), domain: maybe(text()), overload: maybe(text()), docString: maybe(text()), carried: carried())
      for index in 0..<next(5) {
        node.attributes.append(attribute("a\(index)", in: &model, depth: depth))
      }
      let output = model.addValue(named: "v\(model.valueNames.count)")
      node.outputs = [output]
      known.append(output)
      graph.nodes.append(node)
    }
    graph.outputs.append(ValueInfo(value: known[known.count - 1], type: maybe(type()), carried: carried()))
    return graph
  }

  private func attribute(_ name: String, in model: inout Model, depth: Int) -> Attribute {
    let value: AttributeValue
    switch next(depth < 2 ? 11 : 9) {
    case 0: value = .float(Float(next(100)) / 7)
    case 1: value = .int(Int64(next(100) - 50))
    case 2: value = .string([0xFF, 0, 7])
    case 3: value = .tensor(tensor("t"))
    case 4: value = .floats((0..<next(4)).map { Float($0) })
    case 5: value = .ints((0..<next(4)).map { -Int64($0) })
    case 6: value = .strings((0..<next(4)).map { [UInt8($0), 0xFE] })
    case 7: value = .tensors((0..<next(3)).map { _ in tensor("t") })
    case 8:
      let tensor = field(2, varint: 1) + field(9, [0, 0, 0x80, 0x3F]) + field(1, varint: 1)
      value = .opaque(field(1, name) + field(20, varint: 11) + field(22, field(1, tensor)))
    case 9: value = .graph(graph(in: &model, depth: depth + 1))
    default: value = .graphs([graph(in: &model, depth: depth + 1)])
    }
    if case .opaque = value { return Attribute(name: name, value: value) }
    return Attribute(name: name, value: value, docString: maybe(text()), reference: maybe(text()), carried: carried())
  }

  private func type() -> ValueType {
    let sizes = (0..<next(4)).map { _ -> DeclaredSize in
      DeclaredSize(
        [.known(Int64(next(9))), .symbol("n"), .unknown][next(3)], denotation: maybe(text()), carried: carried())
    }
    let tensor = TensorType(elementType: maybe(1), shape: maybe(sizes), carried: carried(), shapeCarried: .none)
    return ValueType(tensor: maybe(tensor), denotation: maybe(text()), carried: carried())
  }

  private func tensor(_ name: String) -> Tensor {
    let type = DataType.allCases[next(DataType.allCases.count)]
    return Self.tensor(
      name, type, shape: (0..<next(4)).map { _ in next(4) }, encoding: next(2) == 0 ? .raw : .typed,
      seed: UInt64(next(99)))
  }

  /// A tensor of any type with contents made from a seed.
  static func tensor(
    _ name: String, _ type: DataType, shape: [Int], encoding: Tensor.Encoding, seed: UInt64
  ) -> Tensor {
    let maker = RandomModel(seed: seed + 1)
    let count = shape.reduce(1, *)
    guard let byteCount = type.byteCount(elements: count) else {
      let strings = (0..<count).map { index in (0..<index).map { UInt8(truncatingIfNeeded: $0 * 77) } }
      return Tensor(name: name, dataType: type, shape: shape, storage: .strings(strings), encoding: .typed)
    }
    var bytes = (0..<byteCount).map { _ in UInt8(maker.next(256)) }
    // What lies behind the last element of a packed type is nobody's.
    if let last = bytes.indices.last, let width = type.bitWidth, count * width % 8 != 0 {
      bytes[last] &= (1 << (count * width % 8)) - 1
    }
    return Tensor(
      name: name, dataType: type, shape: shape, storage: .bytes(ByteRegion(copying: bytes)), encoding: encoding)
  }
}
