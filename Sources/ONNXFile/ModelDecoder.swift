import CONNX
import CProtobufC
import IR

/// Turns protobuf-c's messages into a ``Model``.
struct ModelDecoder {
  let path: String
  let source: ByteOwner
  var names: [String] = []
  private var scopes: [[String: ValueID]] = []
  var externalFiles: ExternalFiles

  init(path: String, source: ByteOwner) {
    self.path = path
    self.source = source
    externalFiles = ExternalFiles(modelPath: path)
  }

  mutating func decode(_ message: Onnx__ModelProto) throws(ONNXFileError) -> Model {
    guard let graph = message.graph?.pointee else { throw invalid("model", "it has no graph") }
    guard graph.n_node > 0 || graph.n_output > 0 else { throw invalid("graph", "it has no nodes and no outputs") }
    var model = Model()
    model.irVersion = message.has_ir_version != 0 ? message.ir_version : nil
    model.producerName = try text(message.producer_name, "producer_name")
    model.producerVersion = try text(message.producer_version, "producer_version")
    model.domain = try text(message.domain, "domain")
    model.modelVersion = message.has_model_version != 0 ? message.model_version : nil
    model.docString = try text(message.doc_string, "doc_string")
    model.metadata = try entries(message.metadata_props, message.n_metadata_props)
    model.carried = CarriedFields(message.base)
    for index in 0..<Int(message.n_opset_import) {
      guard let entry = message.opset_import[index]?.pointee else { continue }
      model.opsetImports.append(
        OpsetImport(
          domain: try text(entry.domain, "opset_import"), version: entry.has_version != 0 ? entry.version : nil,
          carried: CarriedFields(entry.base)))
    }
    for index in 0..<Int(message.n_functions) {
      guard let function = message.functions[index] else { continue }
      let message = packed {
        onnx__function_proto__get_packed_size(function)
      } into: {
        onnx__function_proto__pack(function, $0)
      }
      model.functions.append(
        FunctionDefinition(
          name: try text(function.pointee.name, "function") ?? "",
          domain: try text(function.pointee.domain, "function") ?? "",
          overload: try text(function.pointee.overload, "function") ?? "", message: message,
          body: FunctionDecoder.body(message, path: path)))
    }
    model.graph = try decode(graph)
    model.valueNames = names
    model.sources = externalFiles.identities + model.functions.flatMap { $0.body?.model.sources ?? [] }
    return model
  }

  // MARK: Graphs

  private mutating func decode(_ message: Onnx__GraphProto) throws(ONNXFileError) -> Graph {
    var graph = Graph(
      name: try text(message.name, "graph name"), docString: try text(message.doc_string, "graph"),
      carried: CarriedFields(message.base))
    scopes.append([:])
    defer { scopes.removeLast() }
    graph.inputs = try valueInfos(message.input, message.n_input, definesNew: true)
    let inputNames = Set(graph.inputs.map { names[$0.value.index] })
    for index in 0..<Int(message.n_initializer) {
      guard let tensor = message.initializer[index]?.pointee else { continue }
      let decoded = try decode(tensor)
      let name = decoded.name ?? ""
      guard !name.isEmpty else { throw invalid("initializer \(index)", "it has no name") }
      let value = try define(name, mayExist: inputNames.contains(name))
      graph.initializers.append(Initializer(value: value, tensor: decoded))
    }
    var seen: Set<ValueID> = []
    for initializer in graph.initializers where !seen.insert(initializer.value).inserted {
      throw invalid("initializer \(names[initializer.value.index])", "its name is used twice")
    }
    for index in 0..<Int(message.n_sparse_initializer) {
      guard let tensor = message.sparse_initializer[index] else { continue }
      graph.sparseInitializers.append(try decodeSparse(tensor))
    }
    try defineOutputs(of: message)
    for index in 0..<Int(message.n_node) {
      guard let node = message.node[index]?.pointee else { continue }
      graph.nodes.append(try decode(node, index))
    }
    graph.outputs = try valueInfos(message.output, message.n_output, definesNew: false)
    graph.valueInfo = try valueInfos(message.value_info, message.n_value_info, definesNew: nil)
    do { _ = try graph.topologicalOrder() } catch { throw invalid("graph", "\(error)") }
    return graph
  }

  private mutating func defineOutputs(of message: Onnx__GraphProto) throws(ONNXFileError) {
    for index in 0..<Int(message.n_node) {
      guard let node = message.node[index]?.pointee else { continue }
      for output in 0..<Int(node.n_output) {
        let name = try text(node.output[output], "node output") ?? ""
        if !name.isEmpty { _ = try define(name, mayExist: false) }
      }
    }
  }

  private mutating func define(_ name: String, mayExist: Bool) throws(ONNXFileError) -> ValueID {
    if let existing = scopes[scopes.count - 1][name] {
      guard mayExist else { throw invalid("value \(name)", "it is defined twice") }
      return existing
    }
    let value = ValueID(names.count)
    names.append(name)
    scopes[scopes.count - 1][name] = value
    return value
  }

  private func resolve(_ name: String) -> ValueID? {
    for scope in scopes.reversed() {
      if let value = scope[name] { return value }
    }
    return nil
  }

  /// - Parameter definesNew: `true` for graph inputs, `false` for outputs, which must exist, `nil` for declarations,
  ///   which may speak of values that are gone.
  private mutating func valueInfos(
    _ list: UnsafeMutablePointer<UnsafeMutablePointer<Onnx__ValueInfoProto>?>?, _ count: Int, definesNew: Bool?
  ) throws(ONNXFileError) -> [ValueInfo] {
    var result: [ValueInfo] = []
    for index in 0..<count {
      guard let info = list?[index]?.pointee else { continue }
      let name = try text(info.name, "value") ?? ""
      let value: ValueID
      switch definesNew {
      case true?:
        guard !name.isEmpty else { throw invalid("input \(index)", "it has no name") }
        value = try define(name, mayExist: false)
      case false?:
        guard let known = resolve(name) else { throw invalid("output \(name)", "no node makes it") }
        value = known
      case nil:
        if let known = resolve(name) {
          value = known
        } else {
          value = ValueID(names.count)
          names.append(name)
        }
      }
      result.append(
        ValueInfo(
          value: value, type: try info.type.map { type throws(ONNXFileError) in try decode(type.pointee) },
          docString: try text(info.doc_string, name), carried: CarriedFields(info.base)))
    }
    return result
  }

  private func decode(_ message: Onnx__TypeProto) throws(ONNXFileError) -> ValueType {
    var tensor: TensorType?
    if let type = message.tensor_type?.pointee {
      var shape: [DeclaredSize]?
      if let declared = type.shape?.pointee {
        guard Int(declared.n_dim) <= Self.rankLimit else {
          throw invalid("declared shape", "it has \(declared.n_dim) axes, more than \(Self.rankLimit)")
        }
        shape = []
        for index in 0..<Int(declared.n_dim) {
          guard let size = declared.dim[index]?.pointee else { continue }
          let symbol = try text(size.dim_param, "dimension")
          let extent: DeclaredSize.Extent =
            size.has_dim_value != 0 ? .known(size.dim_value) : symbol.map { .symbol($0) } ?? .unknown
          shape?.append(
            DeclaredSize(
              extent, denotation: try text(size.denotation, "dimension"), carried: CarriedFields(size.base)))
        }
      }
      tensor = TensorType(
        elementType: type.has_elem_type != 0 ? type.elem_type : nil, shape: shape, carried: CarriedFields(type.base),
        shapeCarried: type.shape.map { CarriedFields($0.pointee.base) } ?? .none)
    }
    return ValueType(
      tensor: tensor, denotation: try text(message.denotation, "type"), carried: CarriedFields(message.base))
  }

  // MARK: Nodes

  private mutating func decode(_ message: Onnx__NodeProto, _ index: Int) throws(ONNXFileError) -> Node {
    let name = try text(message.name, "node \(index)")
    let type = try text(message.op_type, "node \(index)") ?? ""
    let place = "node \(name.flatMap { $0.isEmpty ? nil : $0 } ?? "\(index) (\(type))")"
    var node = Node(
      inputs: [], outputs: [], name: name, opType: type, domain: try text(message.domain, place),
      overload: try text(message.overload, place), docString: try text(message.doc_string, place),
      carried: CarriedFields(message.base))
    for input in 0..<Int(message.n_input) {
      let name = try text(message.input[input], place) ?? ""
      guard !name.isEmpty else {
        node.inputs.append(nil)
        continue
      }
      guard let value = resolve(name) else { throw invalid(place, "its input \(name) is defined nowhere") }
      node.inputs.append(value)
    }
    for output in 0..<Int(message.n_output) {
      let name = try text(message.output[output], place) ?? ""
      node.outputs.append(name.isEmpty ? nil : scopes[scopes.count - 1][name])
    }
    for attribute in 0..<Int(message.n_attribute) {
      guard let pointer = message.attribute[attribute] else { continue }
      node.attributes.append(try decode(pointer, place))
    }
    var seen: Set<String> = []
    for attribute in node.attributes where !seen.insert(attribute.name).inserted {
      throw invalid(place, "its attribute \(attribute.name) is given twice")
    }
    return node
  }

  private mutating func decode(
    _ pointer: UnsafeMutablePointer<Onnx__AttributeProto>, _ place: String
  ) throws(ONNXFileError) -> Attribute {
    let message = pointer.pointee
    let name = try text(message.name, place) ?? ""
    var payloads: [AttributeValue] = []
    if message.has_f != 0 { payloads.append(.float(message.f)) }
    if message.has_i != 0 { payloads.append(.int(message.i)) }
    if message.has_s != 0 { payloads.append(.string(bytes(message.s))) }
    if let tensor = message.t?.pointee { payloads.append(.tensor(try decode(tensor))) }
    if let graph = message.g?.pointee { payloads.append(.graph(try decode(graph))) }
    if message.n_floats > 0 {
      payloads.append(.floats(Array(UnsafeBufferPointer(start: message.floats, count: message.n_floats))))
    }
    if message.n_ints > 0 {
      payloads.append(.ints(Array(UnsafeBufferPointer(start: message.ints, count: message.n_ints))))
    }
    if message.n_strings > 0 {
      payloads.append(.strings((0..<Int(message.n_strings)).map { bytes(message.strings[$0]) }))
    }
    if message.n_tensors > 0 {
      var tensors: [Tensor] = []
      for index in 0..<Int(message.n_tensors) {
        if let tensor = message.tensors[index]?.pointee { tensors.append(try decode(tensor)) }
      }
      payloads.append(.tensors(tensors))
    }
    if message.n_graphs > 0 {
      var graphs: [Graph] = []
      for index in 0..<Int(message.n_graphs) {
        if let graph = message.graphs[index]?.pointee { graphs.append(try decode(graph)) }
      }
      payloads.append(.graphs(graphs))
    }
    let hasType = message.has_type != 0
    let value: AttributeValue
    var carried = CarriedFields(message.base)
    if let empty = Self.emptyPayload(type: message.type), payloads.isEmpty, hasType {
      value = empty
    } else if payloads.count == 1, !hasType || payloads[0].typeNumber == message.type {
      value = payloads[0]
    } else {
      carried = .none  // part of the whole
      value = .opaque(
        try whole(
          .attribute,
          packed {
            onnx__attribute_proto__get_packed_size(pointer)
          } into: {
            onnx__attribute_proto__pack(pointer, $0)
          }, place))
    }
    return Attribute(
      name: name, value: value, docString: try text(message.doc_string, place),
      reference: try text(message.ref_attr_name, place), declaresType: hasType, carried: carried)
  }

  /// Lists without elements leave no trace in the file but their type; so do proto3 writers' zeros.
  private static func emptyPayload(type: Int32) -> AttributeValue? {
    switch type {
    case 6: .floats([])
    case 7: .ints([])
    case 8: .strings([])
    case 9: .tensors([])
    case 10: .graphs([])
    default: nil
    }
  }

  private mutating func decodeSparse(
    _ pointer: UnsafeMutablePointer<Onnx__SparseTensorProto>
  ) throws(ONNXFileError) -> SparseInitializer {
    let message = pointer.pointee
    guard let values = message.values?.pointee else { throw invalid("sparse initializer", "it has no values") }
    let name = try text(values.name, "sparse initializer") ?? ""
    guard !name.isEmpty else { throw invalid("sparse initializer", "it has no name") }
    let shape = try checkedShape(message.dims, Int(message.n_dims), "sparse initializer \(name)")
    let bytes = packed {
      onnx__sparse_tensor_proto__get_packed_size(pointer)
    } into: {
      onnx__sparse_tensor_proto__pack(pointer, $0)
    }
    return SparseInitializer(
      value: try define(name, mayExist: false), shape: shape, dataType: DataType(rawValue: values.data_type),
      message: try whole(.sparseTensor, bytes, "sparse initializer \(name)"))
  }

  // MARK: Parts

  func invalid(_ place: String, _ reason: String) -> ONNXFileError {
    .invalidModel(path: path, place: place, reason: reason)
  }

  func text(_ pointer: UnsafePointer<CChar>?, _ place: String) throws(ONNXFileError) -> String? {
    guard let pointer else { return nil }
    guard let string = String(validatingCString: pointer) else { throw invalid(place, "a name is not UTF-8 text") }
    return string
  }

  func entries(
    _ list: UnsafeMutablePointer<UnsafeMutablePointer<Onnx__StringStringEntryProto>?>?, _ count: Int
  ) throws(ONNXFileError) -> [MetadataEntry] {
    var result: [MetadataEntry] = []
    for index in 0..<count {
      guard let entry = list?[index]?.pointee else { continue }
      result.append(
        MetadataEntry(
          key: try text(entry.key, "metadata"), value: try text(entry.value, "metadata"),
          carried: CarriedFields(entry.base)))
    }
    return result
  }

  func bytes(_ data: ProtobufCBinaryData) -> [UInt8] { Array(UnsafeBufferPointer(start: data.data, count: data.len)) }

  private func packed(
    _ size: () -> Int, into write: (UnsafeMutablePointer<UInt8>?) -> Int
  ) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: size()) { buffer, count in count = write(buffer.baseAddress) }
  }

  /// A message that is carried whole, with its payloads put back.
  private func whole(_ kind: WireMessage, _ skeleton: [UInt8], _ place: String) throws(ONNXFileError) -> [UInt8] {
    do throws(WireError) {
      return try skeleton.withUnsafeBufferPointer { buffer throws(WireError) -> [UInt8] in
        var result: [UInt8] = []
        let expansion = try Expansion(UnsafeRawBufferPointer(buffer), message: kind)
        expansion.stream(message: kind) {
          result.append(contentsOf: $0)
        } payload: { placeholder in
          let start = Int(placeholder.payload)
          result.append(contentsOf: source.bytes[start..<(start + Int(placeholder.count))])
        }
        return result
      }
    } catch {
      throw invalid(place, error.reason)
    }
  }
}

extension AttributeValue {
  /// The number of `AttributeProto.AttributeType`.
  var typeNumber: Int32? {
    switch self {
    case .float: 1
    case .int: 2
    case .string: 3
    case .tensor: 4
    case .graph: 5
    case .floats: 6
    case .ints: 7
    case .strings: 8
    case .tensors: 9
    case .graphs: 10
    case .opaque: nil
    }
  }
}
