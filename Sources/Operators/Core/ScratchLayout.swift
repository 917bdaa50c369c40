/// Divides a kernel's scratch memory.
struct ScratchLayout {
  private(set) var byteCount = 0

  mutating func reserve(_ bytes: Int) -> TensorPlace {
    defer { byteCount += (bytes + 63) / 64 * 64 }
    return .scratch(byteCount)
  }
}
