import IR

/// A message without its payloads, small enough for protobuf-c, which would copy them.
struct Skeleton {
  /// Graphs in attributes of graphs, deeper than this, are refused rather than recursed into.
  static let depthLimit = 4 * 64

  private(set) var bytes: [UInt8] = []
  private let source: UnsafeRawBufferPointer
  private let register: (Range<Int>) -> UInt64

  /// - Parameter register: takes the range of a payload and returns the number its placeholder gets.
  init(
    _ source: UnsafeRawBufferPointer, message: WireMessage, register: @escaping (Range<Int>) -> UInt64
  ) throws(WireError) {
    self.source = source
    self.register = register
    try shrink(0..<source.count, message, depth: 0)
  }

  private mutating func shrink(_ range: Range<Int>, _ message: WireMessage, depth: Int) throws(WireError) {
    guard depth < Self.depthLimit else {
      throw WireError(offset: range.lowerBound, reason: "graphs nested too deeply")
    }
    var reader = FieldReader(source, range: range)
    var pending = range.lowerBound
    while let field = try reader.next() {
      guard let payload = field.payload else { continue }
      let isPayload = message.isPayload(field.number)
      guard isPayload || message.child(field.number) != nil else { continue }
      copy(pending..<field.whole.lowerBound)
      pending = field.whole.upperBound
      appendVarint(field.number << 3 | 2, to: &bytes)
      if isPayload {
        appendVarint(UInt64(Placeholder.byteCount), to: &bytes)
        Placeholder(payload: register(payload), count: UInt64(payload.count)).write(into: &bytes)
      } else if let child = message.child(field.number) {
        // A varint of fixed width, so that the length can be filled in afterwards.
        let lengthAt = bytes.count
        bytes.append(contentsOf: [0x80, 0x80, 0x80, 0x80, 0])
        try shrink(payload, child, depth: depth + 1)
        var length = bytes.count - lengthAt - 5
        guard length < 1 << 34 else { throw WireError(offset: field.whole.lowerBound, reason: "a message too large") }
        for index in 0..<5 {
          bytes[lengthAt + index] = UInt8(length & 0x7F) | (index < 4 ? 0x80 : 0)
          length >>= 7
        }
      }
    }
    copy(pending..<range.upperBound)
  }

  private mutating func copy(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[range]))
  }
}

/// Puts payloads back into a message of placeholders, streaming the result.
struct Expansion {
  private let skeleton: UnsafeRawBufferPointer
  /// Lengths of the messages that hold payloads, in the order they are met.
  private var lengths: [Int] = []
  private(set) var byteCount = 0

  init(_ skeleton: UnsafeRawBufferPointer, message: WireMessage) throws(WireError) {
    self.skeleton = skeleton
    byteCount = try measure(0..<skeleton.count, message)
  }

  private mutating func measure(_ range: Range<Int>, _ message: WireMessage) throws(WireError) -> Int {
    var reader = FieldReader(skeleton, range: range)
    var total = range.count
    while let field = try reader.next() {
      guard let payload = field.payload else { continue }
      let length: Int
      if message.isPayload(field.number) {
        guard let placeholder = Placeholder(UnsafeRawBufferPointer(rebasing: skeleton[payload])) else { continue }
        length = Int(placeholder.count)
      } else if let child = message.child(field.number) {
        let slot = lengths.count
        lengths.append(0)
        length = try measure(payload, child)
        lengths[slot] = length
      } else {
        continue
      }
      total += tagLength(field.number) + varintLength(length) + length - field.whole.count
    }
    return total
  }

  private func tagLength(_ number: UInt64) -> Int { varintLength(Int(number << 3 | 2)) }

  /// Calls `bytes` with stretches of the message and `payload` where a payload belongs, in order.
  func stream<Failure: Error>(
    message: WireMessage, bytes: (UnsafeRawBufferPointer) throws(Failure) -> Void,
    payload: (Placeholder) throws(Failure) -> Void
  ) throws(Failure) {
    var slot = 0
    try stream(0..<skeleton.count, message, &slot, bytes, payload)
  }

  private func stream<Failure: Error>(
    _ range: Range<Int>, _ message: WireMessage, _ slot: inout Int,
    _ emit: (UnsafeRawBufferPointer) throws(Failure) -> Void, _ place: (Placeholder) throws(Failure) -> Void
  ) throws(Failure) {
    var reader = FieldReader(skeleton, range: range)
    var pending = range.lowerBound
    // The message was walked once to measure it, so no field can fail now.
    while let field = try? reader.next() {
      guard let payload = field.payload else { continue }
      let placeholder =
        message.isPayload(field.number) ? Placeholder(UnsafeRawBufferPointer(rebasing: skeleton[payload])) : nil
      let child = message.child(field.number)
      guard placeholder != nil || child != nil else { continue }
      try emit(UnsafeRawBufferPointer(rebasing: skeleton[pending..<field.whole.lowerBound]))
      pending = field.whole.upperBound
      var head: [UInt8] = []
      appendVarint(field.number << 3 | 2, to: &head)
      let length = placeholder.map { Int($0.count) } ?? lengths[slot]
      appendVarint(UInt64(length), to: &head)
      try head.withUnsafeBufferPointer { (bytes) throws(Failure) in try emit(UnsafeRawBufferPointer(bytes)) }
      if let placeholder {
        try place(placeholder)
      } else if let child {
        slot += 1
        try stream(payload, child, &slot, emit, place)
      }
    }
    try emit(UnsafeRawBufferPointer(rebasing: skeleton[pending..<range.upperBound]))
  }
}
