import CONNX
import CProtobufC
import IR

/// Where the bytes of a payload come from when the file is written.
enum Payload {
  case region(ByteRegion)
  case view(TensorView)

  var byteCount: Int {
    switch self {
    case .region(let region): region.count
    case .view(let view): view.byteCount
    }
  }
}

/// Turns a ``Model`` into a packed message whose payloads are placeholders.
struct ModelEncoder {
  private let arena = MessageArena()
  private let model: Model
  /// Where initializers of the main graph go that are not written into the message, by index.
  private let external: [Int: ExternalPlan.Place]
  private(set) var payloads: [Payload] = []
  private(set) var skeleton: [UInt8] = []

  init(_ model: Model, external: [Int: ExternalPlan.Place] = [:]) {
    self.model = model
    self.external = external
    skeleton = Self.packed(encode())
  }

  /// Entries of the metadata alone: bytes that add them to a model when they follow its own.
  static func bytes(of metadata: [MetadataEntry]) -> [UInt8] {
    let encoder = ModelEncoder(arenaOf: Model())
    let message = encoder.arena.make(onnx__model_proto__init)
    let entries = encoder.encode(metadata)
    message.pointee.n_metadata_props = entries.count
    message.pointee.metadata_props = encoder.arena.array(entries)
    return packed(message)
  }

  private init(arenaOf model: Model) {
    self.model = model
    external = [:]
  }

  private static func packed(_ message: UnsafeMutablePointer<Onnx__ModelProto>) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: onnx__model_proto__get_packed_size(message)) { buffer, count in
      count = onnx__model_proto__pack(message, buffer.baseAddress)
    }
  }

  private mutating func encode() -> UnsafeMutablePointer<Onnx__ModelProto> {
    let message = arena.make(onnx__model_proto__init)
    if let version = model.irVersion {
      message.pointee.has_ir_version = 1
      message.pointee.ir_version = version
    }
    message.pointee.producer_name = arena.string(model.producerName)
    message.pointee.producer_version = arena.string(model.producerVersion)
    message.pointee.domain = arena.string(model.domain)
    if let version = model.modelVersion {
      message.pointee.has_model_version = 1
      message.pointee.model_version = version
    }
    message.pointee.doc_string = arena.string(model.docString)
    message.pointee.graph = encode(model.graph, external: external)
    let opsets = model.opsetImports.map { opset -> UnsafeMutablePointer<Onnx__OperatorSetIdProto>? in
      let entry = arena.make(onnx__operator_set_id_proto__init)
      entry.pointee.domain = arena.string(opset.domain)
      if let version = opset.version {
        entry.pointee.has_version = 1
        entry.pointee.version = version
      }
      arena.carry(opset.carried, in: &entry.pointee.base)
      return entry
    }
    message.pointee.n_opset_import = opsets.count
    message.pointee.opset_import = arena.array(opsets)
    let metadata = encode(model.metadata)
    message.pointee.n_metadata_props = metadata.count
    message.pointee.metadata_props = arena.array(metadata)
    let functions = model.functions.map { function -> UnsafeMutablePointer<Onnx__FunctionProto>? in
      let entry = arena.make(onnx__function_proto__init)
      arena.carry(CarriedFields(bytes: function.message), in: &entry.pointee.base)
      return entry
    }
    message.pointee.n_functions = functions.count
    message.pointee.functions = arena.array(functions)
    arena.carry(model.carried, in: &message.pointee.base)
    return message
  }

  private func encode(_ entries: [MetadataEntry]) -> [UnsafeMutablePointer<Onnx__StringStringEntryProto>?] {
    entries.map { entry in
      let message = arena.make(onnx__string_string_entry_proto__init)
      message.pointee.key = arena.string(entry.key)
      message.pointee.value = arena.string(entry.value)
      arena.carry(entry.carried, in: &message.pointee.base)
      return message
    }
  }

  private mutating func encode(
    _ graph: Graph, external: [Int: ExternalPlan.Place] = [:]
  ) -> UnsafeMutablePointer<Onnx__GraphProto> {
    let message = arena.make(onnx__graph_proto__init)
    var nodes: [UnsafeMutablePointer<Onnx__NodeProto>?] = []
    for node in graph.nodes { nodes.append(encode(node)) }
    message.pointee.n_node = nodes.count
    message.pointee.node = arena.array(nodes)
    message.pointee.name = arena.string(graph.name)
    var initializers: [UnsafeMutablePointer<Onnx__TensorProto>?] = []
    for (index, initializer) in graph.initializers.enumerated() {
      initializers.append(encode(initializer.tensor, at: external[index]))
    }
    message.pointee.n_initializer = initializers.count
    message.pointee.initializer = arena.array(initializers)
    message.pointee.doc_string = arena.string(graph.docString)
    (message.pointee.n_input, message.pointee.input) = encode(graph.inputs)
    (message.pointee.n_output, message.pointee.output) = encode(graph.outputs)
    (message.pointee.n_value_info, message.pointee.value_info) = encode(graph.valueInfo)
    var sparse: [UnsafeMutablePointer<Onnx__SparseTensorProto>?] = []
    for initializer in graph.sparseInitializers {
      let entry = arena.make(onnx__sparse_tensor_proto__init)
      arena.carry(CarriedFields(bytes: shrunk(initializer.message, .sparseTensor)), in: &entry.pointee.base)
      sparse.append(entry)
    }
    message.pointee.n_sparse_initializer = sparse.count
    message.pointee.sparse_initializer = arena.array(sparse)
    arena.carry(graph.carried, in: &message.pointee.base)
    return message
  }

  private func encode(
    _ infos: [ValueInfo]
  ) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<Onnx__ValueInfoProto>?>?) {
    let messages = infos.map { info -> UnsafeMutablePointer<Onnx__ValueInfoProto>? in
      let message = arena.make(onnx__value_info_proto__init)
      message.pointee.name = arena.string(model.name(of: info.value))
      message.pointee.type = info.type.map { encode($0) }
      message.pointee.doc_string = arena.string(info.docString)
      arena.carry(info.carried, in: &message.pointee.base)
      return message
    }
    return (messages.count, arena.array(messages))
  }

  private func encode(_ type: ValueType) -> UnsafeMutablePointer<Onnx__TypeProto> {
    let message = arena.make(onnx__type_proto__init)
    message.pointee.denotation = arena.string(type.denotation)
    if let tensor = type.tensor {
      let inner = arena.make(onnx__tensor_type_proto__init)
      if let element = tensor.elementType {
        inner.pointee.has_elem_type = 1
        inner.pointee.elem_type = element
      }
      if let shape = tensor.shape {
        let declared = arena.make(onnx__tensor_shape_proto__init)
        let sizes = shape.map { size -> UnsafeMutablePointer<Onnx__DimensionProto>? in
          let dimension = arena.make(onnx__dimension_proto__init)
          switch size.extent {
          case .known(let value):
            dimension.pointee.has_dim_value = 1
            dimension.pointee.dim_value = value
          case .symbol(let name): dimension.pointee.dim_param = arena.string(name)
          case .unknown: break
          }
          dimension.pointee.denotation = arena.string(size.denotation)
          arena.carry(size.carried, in: &dimension.pointee.base)
          return dimension
        }
        declared.pointee.n_dim = sizes.count
        declared.pointee.dim = arena.array(sizes)
        arena.carry(tensor.shapeCarried, in: &declared.pointee.base)
        inner.pointee.shape = declared
      }
      arena.carry(tensor.carried, in: &inner.pointee.base)
      message.pointee.tensor_type = inner
    }
    arena.carry(type.carried, in: &message.pointee.base)
    return message
  }

  // MARK: Nodes

  private mutating func encode(_ node: Node) -> UnsafeMutablePointer<Onnx__NodeProto> {
    let message = arena.make(onnx__node_proto__init)
    let names = model.valueNames
    func name(_ value: ValueID?) -> String { value.map { names[$0.index] } ?? "" }
    message.pointee.n_input = node.inputs.count
    message.pointee.input = arena.array(node.inputs.map { arena.string(name($0)) })
    message.pointee.n_output = node.outputs.count
    message.pointee.output = arena.array(node.outputs.map { arena.string(name($0)) })
    message.pointee.name = arena.string(node.name)
    message.pointee.op_type = arena.string(node.opType)
    message.pointee.doc_string = arena.string(node.docString)
    message.pointee.domain = arena.string(node.domain)
    message.pointee.overload = arena.string(node.overload)
    var attributes: [UnsafeMutablePointer<Onnx__AttributeProto>?] = []
    for attribute in node.attributes { attributes.append(encode(attribute)) }
    message.pointee.n_attribute = attributes.count
    message.pointee.attribute = arena.array(attributes)
    arena.carry(node.carried, in: &message.pointee.base)
    return message
  }

  private mutating func encode(_ attribute: Attribute) -> UnsafeMutablePointer<Onnx__AttributeProto> {
    let message = arena.make(onnx__attribute_proto__init)
    if case .opaque(let bytes) = attribute.value {
      arena.carry(CarriedFields(bytes: shrunk(bytes, .attribute)), in: &message.pointee.base)
      return message
    }
    message.pointee.name = arena.string(attribute.name)
    message.pointee.doc_string = arena.string(attribute.docString)
    message.pointee.ref_attr_name = arena.string(attribute.reference)
    if attribute.declaresType, let type = attribute.value.typeNumber {
      message.pointee.has_type = 1
      message.pointee.type = type
    }
    switch attribute.value {
    case .float(let value): (message.pointee.has_f, message.pointee.f) = (1, value)
    case .int(let value): (message.pointee.has_i, message.pointee.i) = (1, value)
    case .string(let value): (message.pointee.has_s, message.pointee.s) = (1, arena.data(value))
    case .tensor(let value): message.pointee.t = encode(value)
    case .graph(let value): message.pointee.g = encode(value)
    case .floats(let values): (message.pointee.n_floats, message.pointee.floats) = (values.count, arena.array(values))
    case .ints(let values): (message.pointee.n_ints, message.pointee.ints) = (values.count, arena.array(values))
    case .strings(let values):
      (message.pointee.n_strings, message.pointee.strings) = (values.count, arena.array(values.map { arena.data($0) }))
    case .tensors(let values):
      var list: [UnsafeMutablePointer<Onnx__TensorProto>?] = []
      for value in values { list.append(encode(value)) }
      (message.pointee.n_tensors, message.pointee.tensors) = (list.count, arena.array(list))
    case .graphs(let values):
      var list: [UnsafeMutablePointer<Onnx__GraphProto>?] = []
      for value in values { list.append(encode(value)) }
      (message.pointee.n_graphs, message.pointee.graphs) = (list.count, arena.array(list))
    case .opaque: break
    }
    arena.carry(attribute.carried, in: &message.pointee.base)
    return message
  }

  // MARK: Tensors

  private mutating func encode(
    _ tensor: Tensor, at external: ExternalPlan.Place? = nil
  ) -> UnsafeMutablePointer<Onnx__TensorProto> {
    let message = arena.make(onnx__tensor_proto__init)
    message.pointee.n_dims = tensor.shape.count
    message.pointee.dims = arena.array(tensor.shape.map { Int64($0) })
    (message.pointee.has_data_type, message.pointee.data_type) = (1, tensor.dataType.rawValue)
    message.pointee.name = arena.string(tensor.name)
    message.pointee.doc_string = arena.string(tensor.docString)
    arena.carry(tensor.carried, in: &message.pointee.base)
    if let place = external {
      (message.pointee.has_data_location, message.pointee.data_location) = (1, 1)
      let entries = encode([
        MetadataEntry(key: "location", value: place.file), MetadataEntry(key: "offset", value: "\(place.offset)"),
        MetadataEntry(key: "length", value: "\(tensor.byteCount)"),
      ])
      (message.pointee.n_external_data, message.pointee.external_data) = (entries.count, arena.array(entries))
      return message
    }
    switch tensor.storage {
    case .strings(let strings):
      message.pointee.n_string_data = strings.count
      message.pointee.string_data = arena.array(strings.map { arena.data($0) })
    case .bytes(let region):
      if tensor.encoding == .typed { encodeTyped(tensor, region, message) } else { place(.region(region), message) }
    case .view(let view):
      if tensor.encoding == .typed {
        encodeTyped(tensor, view.gathered(), message)
      } else {
        place(.view(view), message)
      }
    }
    return message
  }

  private mutating func place(_ payload: Payload, _ message: UnsafeMutablePointer<Onnx__TensorProto>) {
    var bytes: [UInt8] = []
    Placeholder(payload: UInt64(payloads.count), count: UInt64(payload.byteCount)).write(into: &bytes)
    payloads.append(payload)
    (message.pointee.has_raw_data, message.pointee.raw_data) = (1, arena.data(bytes))
  }

  private func encodeTyped(
    _ tensor: Tensor, _ region: ByteRegion, _ message: UnsafeMutablePointer<Onnx__TensorProto>
  ) {
    region.withUnsafeBytes { bytes in
      func read<Value: FixedWidthInteger>(_ type: Value.Type) -> [Value] {
        stride(from: 0, to: bytes.count, by: MemoryLayout<Value>.size).map {
          Value(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Value.self))
        }
      }
      func ints(_ values: [Int32]) {
        (message.pointee.n_int32_data, message.pointee.int32_data) = (values.count, arena.array(values))
      }
      switch tensor.dataType {
      case .float, .complex64:
        let values = read(UInt32.self).map { Float(bitPattern: $0) }
        (message.pointee.n_float_data, message.pointee.float_data) = (values.count, arena.array(values))
      case .double, .complex128:
        let values = read(UInt64.self).map { Double(bitPattern: $0) }
        (message.pointee.n_double_data, message.pointee.double_data) = (values.count, arena.array(values))
      case .int64:
        let values = read(Int64.self)
        (message.pointee.n_int64_data, message.pointee.int64_data) = (values.count, arena.array(values))
      case .uint64:
        let values = read(UInt64.self)
        (message.pointee.n_uint64_data, message.pointee.uint64_data) = (values.count, arena.array(values))
      case .uint32:
        let values = read(UInt32.self).map { UInt64($0) }
        (message.pointee.n_uint64_data, message.pointee.uint64_data) = (values.count, arena.array(values))
      case .int32: ints(read(Int32.self))
      case .int16: ints(read(Int16.self).map { Int32($0) })
      case .uint16, .float16, .bfloat16: ints(read(UInt16.self).map { Int32($0) })
      case .int8: ints(read(Int8.self).map { Int32($0) })
      case .float6E2M3, .float6E3M2:
        ints(SixBits.unpacked(bytes, count: tensor.elementCount).map { Int32($0) })
      default: ints(bytes.map { Int32($0) })
      }
    }
  }

  /// A message that is carried whole, with its payloads taken out again.
  private mutating func shrunk(_ bytes: [UInt8], _ message: WireMessage) -> [UInt8] {
    let region = ByteRegion(copying: bytes)
    var found: [Payload] = []
    let first = payloads.count
    let skeleton = region.withUnsafeBytes { bytes in
      try? Skeleton(bytes, message: message) { range in
        found.append(.region(ByteRegion(owner: region.owner, offset: range.lowerBound, count: range.count)))
        return UInt64(first + found.count - 1)
      }.bytes
    }
    payloads += found
    return skeleton ?? bytes
  }
}
