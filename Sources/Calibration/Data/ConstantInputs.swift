import DataSources
import Glibc
import IR
import Training

extension Dataset {
  /// Refuses samples on which nothing can be measured: a floating-point input that holds one and the same number
  /// throughout, as a file of zeros does.
  ///
  /// Of arrays at hand only. A mask may well be the same throughout, and so may a single number beside other inputs.
  func refuseConstantInputs() throws(TrainingError) {
    let arrays = storedArrays
    for field in inputs where field.dataType.isFloatingPoint && !field.name.lowercased().contains("mask") {
      guard field.elementCount > 1 || inputs.count == 1 else { continue }
      for array in arrays where array.field == field.name {
        guard let number = array.tensor.onlyNumber else { continue }
        throw TrainingError(
          .data,
          "\(array.source): input \(field.name) holds \(number) throughout, on which nothing can be measured; "
            + "give samples of what the model works on")
      }
    }
  }
}

extension Tensor {
  /// The number all elements are, as text; `nil` where there are less than two, or they differ.
  fileprivate var onlyNumber: String? {
    guard let width = dataType.byteWidth, let region = contiguousBytes(), region.count > width else { return nil }
    // All are the same where each equals the one before it.
    let isConstant = region.withUnsafeBytes { bytes in
      bytes.baseAddress.map { memcmp($0, $0 + width, bytes.count - width) == 0 } ?? false
    }
    guard isConstant else { return nil }
    let first = ByteRegion(owner: region.owner, offset: region.offset, count: width)
    let number = Tensor(dataType: dataType, shape: [1], storage: .bytes(first)).doubles()?.first
    return number.map { Int64(exactly: $0).map { "\($0)" } ?? "\($0)" } ?? "one number"
  }
}
