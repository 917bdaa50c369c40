import CONNX
import CProtobufC
import IR

extension CarriedFields {
  /// The fields of a message the schema does not name.
  init(_ message: ProtobufCMessage) {
    guard message.n_unknown_fields > 0, let fields = message.unknown_fields else {
      self = .none
      return
    }
    var bytes: [UInt8] = []
    for index in 0..<Int(message.n_unknown_fields) {
      let field = fields[index]
      appendVarint(UInt64(field.tag) << 3 | UInt64(field.wire_type.rawValue), to: &bytes)
      bytes.append(contentsOf: UnsafeBufferPointer(start: field.data, count: field.len))
    }
    self.init(bytes: bytes)
  }
}
