import CProtobufC
import IR

/// Memory for one message tree, let go of all at once.
final class MessageArena {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit { for block in blocks { block.deallocate() } }

  func make<Message>(_ initialize: (UnsafeMutablePointer<Message>) -> Void) -> UnsafeMutablePointer<Message> {
    let pointer = UnsafeMutablePointer<Message>.allocate(capacity: 1)
    blocks.append(UnsafeMutableRawPointer(pointer))
    initialize(pointer)
    return pointer
  }

  func array<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element>? {
    guard !elements.isEmpty else { return nil }
    let pointer = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
    pointer.initialize(from: elements, count: elements.count)
    blocks.append(UnsafeMutableRawPointer(pointer))
    return pointer
  }

  func string(_ string: String?) -> UnsafeMutablePointer<CChar>? {
    guard let string else { return nil }
    return array(Array(string.utf8CString))
  }

  func data(_ bytes: [UInt8]) -> ProtobufCBinaryData { ProtobufCBinaryData(len: bytes.count, data: array(bytes)) }

  /// Puts carried fields behind the known ones: one unknown field whose payload is all but the first tag.
  func carry(_ fields: CarriedFields, in message: inout ProtobufCMessage) {
    var tag: UInt64 = 0
    var shift: UInt64 = 0
    var position = 0
    for byte in fields.bytes {
      tag |= UInt64(byte & 0x7F) << shift
      shift += 7
      position += 1
      if byte & 0x80 == 0 { break }
    }
    guard position > 0 else { return }
    var field = ProtobufCMessageUnknownField()
    field.tag = UInt32(truncatingIfNeeded: tag >> 3)
    field.wire_type = ProtobufCWireType(rawValue: UInt32(tag & 7))
    let rest = Array(fields.bytes[position...])
    field.len = rest.count
    field.data = array(rest)
    message.n_unknown_fields = 1
    message.unknown_fields = array([field])
  }
}
