import IR

extension RewriteContext {
  /// Writes the kept size of a remembered dimension into an attribute that gives a number of heads or columns.
  mutating func adaptCount(_ attribute: String, _ key: String) {
    guard let count = remembered(key)?.known, let before = node.int(attribute), before > 0, Int64(count) != before
    else { return }
    node.setAttribute(attribute, .int(Int64(count)))
  }
}
