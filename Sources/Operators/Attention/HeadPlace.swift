import Kernels

/// The rows of heads of a tensor: where they start and how they lie.
struct HeadPlace: Sendable {
  var place: TensorPlace
  /// Elements before the first head's first row.
  var offset = 0
  var strides: HeadStrides

  func rows<T: Real>(_ arguments: KernelArguments) -> HeadRows<T> { mutableRows(arguments).reading }

  func mutableRows<T: Real>(_ arguments: KernelArguments) -> MutableHeadRows<T> {
    MutableHeadRows(place.elements(arguments) + offset, strides)
  }

  /// The rows from one on.
  func from(row: Int) -> HeadPlace {
    HeadPlace(place: place, offset: offset + row * strides.row, strides: strides)
  }
}
