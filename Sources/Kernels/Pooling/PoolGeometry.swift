/// How windows of a pooling lie over planes of up to three axes; missing ones have size one.
public struct PoolGeometry: Sendable {
  public struct Axis: Sendable {
    public let input: Int
    public let output: Int
    public let kernel: Int
    public let stride: Int
    public let dilation: Int
    public let before: Int
    public let after: Int

    public init(input: Int, output: Int, kernel: Int, stride: Int, dilation: Int, before: Int, after: Int) {
      self.input = input
      self.output = output
      self.kernel = kernel
      self.stride = stride
      self.dilation = dilation
      self.before = before
      self.after = after
    }

    public static let single = Axis(
      input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0)

    /// Where the window of an output begins; negative inside the padding.
    @inline(__always)
    func start(_ output: Int) -> Int { output * stride - before }

    /// Elements of a window that lie inside the input.
    @inline(__always)
    func taps(_ output: Int) -> Range<Int> {
      let start = start(output)
      let first = start < 0 ? (-start + dilation - 1) / dilation : 0
      let end = start < input ? min(kernel, (input - start + dilation - 1) / dilation) : 0
      return min(first, end)..<end
    }

    /// Elements of a window that lie inside the input or its padding: rounded up, the last one may end behind both.
    func paddedCount(_ output: Int) -> Int {
      min(kernel, max(0, (input + after - start(output) + dilation - 1) / dilation))
    }

    /// Length of a row with its padding, and room to read a whole vector at its end.
    var paddedLength: Int { max(before + input, (output - 1) * stride + (kernel - 1) * dilation + 1) + 32 }
  }

  public let planes: Int
  public let depth: Axis
  public let height: Axis
  public let width: Axis

  public init(planes: Int, depth: Axis, height: Axis, width: Axis) {
    self.planes = planes
    self.depth = depth
    self.height = height
    self.width = width
  }

  var inputCount: Int { depth.input * height.input * width.input }
  var outputCount: Int { depth.output * height.output * width.output }
  var windowCount: Int { depth.kernel * height.kernel * width.kernel }

  /// Planes worth handing to a thread at once.
  var grain: Int { max(1, 32_768 / max(1, inputCount + outputCount * height.kernel)) }

  /// Calls `body` for each row of windows, and for each of these `tap` for the rows of the input they cover.
  @inline(__always)
  func forEachRow(
    _ body: (_ depth: Int, _ height: Int) -> Void
  ) {
    for outputDepth in 0..<depth.output {
      for outputHeight in 0..<height.output { body(outputDepth, outputHeight) }
    }
  }

  /// Calls `body` with the offset, within a plane, of each row of the input the windows at (`outputDepth`,
  /// `outputHeight`) cover.
  @inline(__always)
  func forEachInputRow(_ outputDepth: Int, _ outputHeight: Int, _ body: (_ offset: Int) -> Void) {
    for tapDepth in depth.taps(outputDepth) {
      let plane = (depth.start(outputDepth) + tapDepth * depth.dilation) * height.input
      for tapHeight in height.taps(outputHeight) {
        body((plane + height.start(outputHeight) + tapHeight * height.dilation) * width.input)
      }
    }
  }

  /// Calls `body` with the offset, within a plane, of each element of the input a window covers.
  @inline(__always)
  func forEachElement(_ outputDepth: Int, _ outputHeight: Int, _ outputWidth: Int, _ body: (_ offset: Int) -> Void) {
    let taps = width.taps(outputWidth)
    forEachInputRow(outputDepth, outputHeight) { row in
      for tap in taps { body(row + width.start(outputWidth) + tap * width.dilation) }
    }
  }
}
