import Coppice

extension Tensor {
  /// A range of the first axis, where it is. Scalars are whole.
  func samples(_ range: Range<Int>) -> Tensor {
    guard let region = contiguousBytes(), let count = shape.first, count > 0, region.count % count == 0 else {
      return self
    }
    let width = region.count / count
    let part = ByteRegion(
      owner: region.owner, offset: region.offset + range.lowerBound * width, count: range.count * width)
    return Tensor(name: name, dataType: dataType, shape: [range.count] + shape.dropFirst(), storage: .bytes(part))
  }
}
